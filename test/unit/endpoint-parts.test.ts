// The pure parts of the endpoint types, by tables and properties: templates, JSON paths, think times, statuses, checks, URLs, cookies, lines, gaps.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookUp, parseJsonPath } from '../../node/core/json-path.ts';
import { networkCause } from '../../node/core/network-cause.ts';
import { drawThinkMs, isStatusIn, statusesShape, thinkShape } from '../../node/core/option-shapes.ts';
import { createRng } from '../../node/core/rng.ts';
import { createStatistics } from '../../node/core/stats.ts';
import { compileJsonTemplate, compileTemplate, missingNames } from '../../node/core/template.ts';
import { parseLine } from '../../node/endpoints/exec/contract.ts';
import { createLineSplitter } from '../../node/endpoints/exec/lines.ts';
import { type Answer, compileCapture, compileCheck, lazyJson } from '../../node/endpoints/http/checks.ts';
import { createCookieJar } from '../../node/endpoints/http/cookies.ts';
import { checkShape, optionsShape } from '../../node/endpoints/http/options.ts';
import { resolveLocation, splitUrl } from '../../node/endpoints/http/url.ts';
import { createGaps } from '../../node/endpoints/websocket/gaps.ts';
import { endpointTypesOf } from '../../node/runtime/registry.ts';
import { createAdmission } from '../../node/runtime/worker-targets.ts';

describe('templates', () => {
  it.each([
    ['plain', {}, 'plain'],
    ['a ${x} b ${ y.z } c', { x: '1', 'y.z': '2' }, 'a 1 b 2 c'],
    ['$${x} ${x}', { x: '1' }, '${x} 1'],
    ['${x}${x}', { x: '$&' }, '$&$&'],
    ['${gone}', {}, undefined],
    ['${ a b }', {}, '${ a b }'],
  ])('%s', (source, values, rendered) => expect(compileTemplate(source).render(values as Record<string, string>)).toBe(rendered));

  it('prefers what the endpoint knows at the moment, and names what is missing', () => {
    const template = compileTemplate('${a} ${b} ${c}');
    expect(template.render({ a: '1', b: '2', c: '3' }, { b: 'x' })).toBe('1 x 3');
    expect(missingNames(template, { a: '1' }, { b: '2' })).toEqual(['c']);
  });

  it('renders JSON that parses to what was meant, whatever the value holds', () => {
    const template = compileJsonTemplate({ text: '<${v}>', at: '${message.sentAtMs}', list: ['${v}'] }, ['message.sentAtMs']);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (v) => {
        const rendered = template.render({ v, 'message.sentAtMs': '12.5' });
        expect(JSON.parse(rendered as string)).toEqual({ text: `<${v}>`, at: 12.5, list: [v] });
      }),
    );
  });
});

it.each([
  ['$', { a: 1 }, { a: 1 }],
  ['$.a.b[1]', { a: { b: [1, 2] } }, 2],
  ['a[-1]["x y"]', { a: [{ 'x y': 3 }] }, 3],
  ['$.__proto__', {}, undefined],
  ['$.a.b', { a: null }, undefined],
  ['$.length', 'text', undefined],
])('json path %s', (path, value, found) => expect(lookUp(value, parseJsonPath(path) ?? [])).toEqual(found));

it.each(['', '$.', 'a..b', 'a[', 'a[x]', 'a b', '$.*', '$..a'])('refuses the path "%s"', (path) =>
  expect(parseJsonPath(path)).toBeUndefined(),
);

it('draws think times within their bounds and about their mean', () => {
  const rng = createRng(7);
  const mean = (written: unknown): number => {
    const think = thinkShape.parse(written);
    const drawn = Array.from({ length: 4000 }, () => drawThinkMs(think, rng.float));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    return drawn.reduce((sum, each) => sum + each, 0) / drawn.length;
  };
  expect(mean('2s')).toBe(2000);
  expect(mean({ uniform: ['1s', '3s'] })).toBeGreaterThan(1950);
  expect(Math.abs(mean({ exponential: { mean: '1s' } }) - 1000)).toBeLessThan(60);
  expect(Math.abs(mean({ normal: { mean: '1s', deviation: '100ms' } }) - 1000)).toBeLessThan(10);
});

it.each([
  [200, 200, true],
  ['2xx', 299, true],
  ['2xx', 300, false],
  ['200-204', 204, true],
  [[201, '4xx'], 404, true],
])('status %j has %i: %s', (written, status, is) => expect(isStatusIn(status, statusesShape.parse(written))).toBe(is));

describe('checks', () => {
  const text = JSON.stringify({ ok: true, n: 5, list: [{ id: 'x1' }] });
  const answer: Answer = {
    status: 200,
    headers: () => ({ 'content-type': 'application/json', vary: ['a', 'b'] }),
    text,
    json: lazyJson(text),
    durationMs: 120,
  };
  it.each([
    [{ status: [200, 201] }, true, 'status is 200 or 201'],
    [{ header: 'Content-Type', contains: 'json' }, true, 'header Content-Type contains json'],
    [{ header: 'vary', equals: 'a, b' }, true, 'header vary equals "a, b"'],
    [{ header: 'x-gone', exists: false }, true, 'header x-gone is absent'],
    [{ json: '$.n', equals: 5 }, true, '$.n equals 5'],
    [{ json: '$.n', equals: '5' }, false, '$.n equals "5"'],
    [{ json: '$.list[0].id', matches: '^x\\d$' }, true, '$.list[0].id matches ^x\\d$'],
    [{ json: '$.gone' }, false, '$.gone exists'],
    [{ bodyContains: '"n":5' }, true, 'body contains "n":5'],
    [{ bodyMatches: 'no{2}pe' }, false, 'body matches no{2}pe'],
    [{ durationBelow: '100ms' }, false, 'duration below 100ms'],
    [{ name: 'own', durationBelow: '1s' }, true, 'own'],
  ])('%j', (written, holds, name) => {
    const check = compileCheck(checkShape.parse(written), createStatistics());
    expect([check.holds(answer), check.name]).toEqual([holds, name]);
  });

  it.each([{ status: 200, bodyContains: 'x' }, {}, { status: 200, equals: 1 }, { json: 'a..b' }, { bodyMatches: '(' }])(
    'refuses %j',
    (written) => expect(checkShape.safeParse(written).success).toBe(false),
  );

  it('captures text, and nothing where there is nothing', () => {
    const take = (options: object): string | undefined => compileCapture('c', options).take(answer);
    expect(take({ json: '$.n' })).toBe('5');
    expect(take({ json: '$.gone' })).toBeUndefined();
    expect(take({ header: 'Content-Type' })).toBe('application/json');
    expect(take({ regex: '"id":"(\\w+)"' })).toBe('x1');
    expect(take({ regex: 'nothing' })).toBeUndefined();
  });
});

it('tells every problem of the options with its place', () => {
  const result = optionsShape.safeParse({
    timeout: 5,
    retires: 1,
    requests: [
      { url: '/', json: {}, text: '' },
      { url: '/', think: '5' },
    ],
  });
  const paths = result.success ? [] : result.error.issues.map(({ path }) => path.join('.'));
  expect(paths.sort()).toEqual(['', 'requests.0', 'requests.1.think', 'timeout']);
});

it.each([
  ['http://h:80/a?b=c', { origin: 'http://h:80', path: '/a?b=c' }],
  ['http://h', { origin: 'http://h', path: '/' }],
  ['http://h?q', { origin: 'http://h', path: '/?q' }],
  ['http://h/a b#c', { origin: 'http://h', path: '/a%20b' }],
  ['https://[::1]:8443/x', { origin: 'https://[::1]:8443', path: '/x' }],
  ['http://h/ü', { origin: 'http://h', path: '/%C3%BC' }],
  ['ftp://h/', undefined],
  ['nonsense', undefined],
])('splits %s', (url, place) => expect(splitUrl(url)).toEqual(place));

it('resolves a Location as browsers do', () => {
  const from = { origin: 'http://h:1', path: '/a/b?c' };
  expect(resolveLocation(from, '../x?y')).toEqual({ origin: 'http://h:1', path: '/x?y' });
  expect(resolveLocation(from, '//other/z')).toEqual({ origin: 'http://other', path: '/z' });
  expect(resolveLocation(from, 'javascript:alert(1)')).toBeUndefined();
});

it('keeps cookies by origin, deletes, and bounds them', () => {
  const jar = createCookieJar();
  jar.take('http://a', ['s=1; Path=/', 't=2']);
  jar.take('http://b', 'u=3');
  jar.take('http://a', 't=; Max-Age=0');
  jar.take('http://a', 'no cookie at all');
  expect([jar.headerFor('http://a'), jar.headerFor('http://b'), jar.headerFor('http://c')]).toEqual(['s=1', 'u=3', undefined]);
  for (let index = 0; index < 200; index++) jar.take('http://a', `n${index}=1`);
  expect(jar.headerFor('http://a')?.split('; ')).toHaveLength(50);
});

it('cuts any chunking of a stream into the same lines', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\n'))),
      fc.integer({ min: 1, max: 7 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const got: string[] = [];
        const splitter = createLineSplitter(
          1000,
          (line) => got.push(line),
          () => got.push('TOO LONG'),
        );
        for (let from = 0; from < bytes.length; from += size) splitter.push(bytes.subarray(from, from + size));
        expect(got).toEqual(lines);
      },
    ),
  );
  let tooLong = 0;
  const splitter = createLineSplitter(
    10,
    () => {},
    () => tooLong++,
  );
  for (let index = 0; index < 5; index++) splitter.push(Buffer.from('12345'));
  expect(tooLong).toBe(1);
});

it.each([
  ['{"type":"ready"}', 'object'],
  ['{"type":"sample","metric":"m","value":1.5,"tags":{"a":"b"}}', 'object'],
  ['{"type":"sample","metric":"m"}', 'string'],
  ['{"type":"error","side":"mine","cause":"x"}', 'string'],
  ['{"type":"done","endpoint":-1}', 'string'],
  ['{"type":"ready","extra":1}', 'string'],
  ['null', 'string'],
  ['{', 'string'],
])('line %s', (line, kind) => expect(typeof parseLine(line)).toBe(kind));

it('counts what is missing between the numbers of one sender', () => {
  const seen: boolean[] = [];
  const gaps = createGaps({ add: (pass) => seen.push(pass) });
  for (const id of ['a.0.5', 'a.0.6', 'b.0.0', 'a.0.9', 'a.0.8', 'odd', 'b.0.1']) gaps.note(id);
  expect(seen.filter((pass) => !pass)).toHaveLength(2);
  expect(seen.filter((pass) => pass)).toHaveLength(7);
});

it.each([
  [{ code: 'ECONNREFUSED' }, 'target connect-refused'],
  [{ code: 'UND_ERR_SOCKET' }, 'target reset'],
  [{ code: 'EADDRNOTAVAIL' }, 'generator sockets-exhausted'],
  [{ code: 'EMFILE' }, 'generator sockets-exhausted'],
  [{ code: 'UND_ERR_INVALID_ARG' }, 'generator invalid-request'],
  [{ name: 'HTTPParserError' }, 'target garbage'],
  [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'target tls'],
  [{ code: 'E_ODD_ONE' }, 'target e-odd-one'],
  [{}, 'target error'],
])('cause of %j', (error, says) => {
  const { side, cause } = networkCause(error);
  expect(`${side} ${cause}`).toBe(says);
});

describe('admission', () => {
  it.each([
    ['http://127.0.0.1:8080/x', true],
    ['ws://127.0.0.1:8080', true],
    ['127.0.0.1:8081', false],
    ['https://api.example.com/', true],
    ['https://api.example.com:444/', false],
    ['http://evil.com/?127.0.0.1:8080', false],
    ['http://127.0.0.1:8080@evil.com/', false],
    ['http://lab7.example.org:99/', true],
    ['http://lab7.example.org.evil.com:99/', false],
    ['what', false],
  ])('%s: %s', (url, isAdmitted) => {
    const admit = createAdmission(['127.0.0.1:8080', 'https://api.example.com', '*.example.org:*']);
    if (isAdmitted) expect(() => admit(url)).not.toThrow();
    else expect(() => admit(url)).toThrow(/not among/);
  });
});

it('refuses a registry with a broken or a second type, and says all faults', () => {
  const good = { type: 'one', summary: 's', options: {}, targets: () => [], metrics: [], costMillicores: () => 1, prepare: () => {} };
  expect([...endpointTypesOf([{ file: 'one.ts', module: { endpointType: good } }]).keys()]).toEqual(['one']);
  const clash = { ...good, type: 'two', metrics: [{ name: 'data_sent', kind: 'trend', unit: 'ms', help: '' }] };
  const modules = [good, good, clash, { type: 'Bad Name' }, undefined].map((endpointType, index) => ({
    file: `${index}.ts`,
    module: { endpointType },
  }));
  expect(() => endpointTypesOf(modules)).toThrow(
    /1\.ts.*already in 0\.ts[\s\S]*3\.ts.*summary[\s\S]*4\.ts.*must export[\s\S]*data_sent of two/,
  );
});
