// The HTTP/1.1 answer parser: any chunking of the same bytes gives the same answers, hostile bytes end as a problem and never as an exception, and
// what it takes for an answer is what Node's own parser takes for one.

import { once } from 'node:events';
import { request, type Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswerParser, HEAD_BYTES_MAX, requestHead } from '../../node/wire/http1.ts';

interface Heard {
  readonly status: number;
  readonly fields: Record<string, string | string[]>;
  body: string;
  isKept: boolean | null;
}

/** Feeds the bytes in pieces, as answers to GETs (or the given method), then the end of the connection. */
function hear(bytes: Buffer, sizes: readonly number[], { method = 'GET', answers = 1 } = {}): { heard: Heard[]; problem: string | null } {
  const heard: Heard[] = [];
  const parser = new AnswerParser({
    onHead: (status, fields) => void heard.push({ status, fields: fields.all(), body: '', isKept: null }),
    onData: (data) => {
      (heard.at(-1) as Heard).body += data.toString('latin1');
    },
    onEnd(isKept) {
      (heard.at(-1) as Heard).isKept = isKept;
      if (heard.length < answers) parser.expect(method);
    },
  });
  parser.expect(method);
  let from = 0;
  for (let turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    // The buffer is overwritten after each call, as a socket's is.
    const piece = Buffer.from(bytes.subarray(from, from + size));
    const problem = parser.feed(piece);
    piece.fill(0);
    if (problem !== null) return { heard, problem };
    from += size;
  }
  return { heard, problem: parser.finish() };
}

const whole = (text: string, options = {}) => hear(Buffer.from(text, 'latin1'), [Number.MAX_SAFE_INTEGER], options);

describe('answers', () => {
  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, 'hello', true],
    ['no body at all', 'HTTP/1.1 204 \r\n\r\n', 204, '', false],
    ['no reason', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', 200, '', true],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n',
      200,
      'abcde',
      true,
    ],
    ['the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nrest', 200, 'rest', false],
    ['connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 1\r\n\r\nx', 200, 'x', false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', 200, 'x', false],
    ['HTTP/1.0 kept', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx', 200, 'x', true],
    ['an interim answer first', 'HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx', 200, 'x', true],
    ['chunked over a length', 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 200, '', true],
  ])('by %s', (_name, text, status, body, isKept) => {
    const { heard, problem } = whole(text);
    expect(problem).toBeNull();
    expect(heard).toMatchObject([{ status, body, isKept }]);
  });

  it('to HEAD have no body, whatever their length says', () => {
    expect(whole('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n', { method: 'HEAD' })).toMatchObject({
      heard: [{ body: '', isKept: true }],
      problem: null,
    });
  });

  it('keep repeated fields', () => {
    const [answer] = whole(
      'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nVary: x\r\nvary:  y \r\n__proto__: z\r\ncontent-length: 0\r\n\r\n',
    ).heard;
    expect(answer?.fields['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer?.fields.vary).toBe('x, y');
  });

  it.each([
    ['rubbish', 'what is this\r\n\r\n', /not the head/],
    ['rubbish without an end', 'SSH-2.0-OpenSSH', /not the head/],
    ['another protocol', 'HTTP/2 200\r\n\r\n', /not the head/],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\n', /content-length/],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', /chunk size/],
    ['a chunk longer than said', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n', /longer/],
    ['a body cut short', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf', /before the answer was complete/],
    ['nothing at all', '', /before the answer was complete/],
    ['more than was asked for', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n', /nobody asked/],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\n\r\n', /upgrade/],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(HEAD_BYTES_MAX / 6)}`, /head of more/],
    ['an endless chunk line', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'0'.repeat(3000)}`, /chunk line/],
  ])('refuses %s', (_name, text, problem) => expect(whole(text).problem).toMatch(problem));
});

/** Well-formed answers with what they must be heard as. */
const answer = fc
  .record({
    status: fc.constantFrom(200, 201, 404, 503),
    chunks: fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }), { maxLength: 5 }),
    isChunked: fc.boolean(),
    field: fc.stringMatching(/^[!-9;-~]{0,20}$/),
  })
  .map(({ status, chunks, isChunked, field }) => {
    const body = chunks.join('');
    const coded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    const framing = isChunked ? `Transfer-Encoding: chunked\r\n\r\n${coded}0\r\n\r\n` : `Content-Length: ${body.length}\r\n\r\n${body}`;
    return { text: `HTTP/1.1 ${status} Words\r\nX-Field: ${field}\r\n${framing}`, status, body, field };
  });
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 });

describe('properties', () => {
  it('hears the same answers however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 4 }), sizes, (answers, cuts) => {
        const bytes = Buffer.from(answers.map(({ text }) => text).join(''), 'latin1');
        const { heard, problem } = hear(bytes, cuts, { answers: answers.length });
        expect(problem).toBeNull();
        expect(heard.map(({ status, body, fields }) => ({ status, body, field: fields['x-field'] }))).toEqual(
          answers.map(({ status, body, field }) => ({ status, body, field })),
        );
      }),
    );
  });

  it('never throws, whatever comes', () => {
    const fragments = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'content-length: 3\r\n',
      'transfer-encoding: chunked\r\n',
      '\r\n',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
      'HTTP/1.',
    );
    const bytes = fc
      .array(fc.oneof(fragments, fc.string({ unit: 'binary-ascii', maxLength: 8 })), { maxLength: 20 })
      .map((parts) => Buffer.from(parts.join(''), 'latin1'));
    fc.assert(
      fc.property(bytes, sizes, (all, cuts) => void hear(all, cuts)),
      { numRuns: 500 },
    );
  });
});

describe("beside Node's own client", () => {
  let text = '';
  const server = createServer((socket) =>
    socket.on('error', () => {}).once('data', () => socket.end(Buffer.from(text, 'latin1'))),
  ) as unknown as Server;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => void server.close());

  it('hears what Node hears', async () => {
    await fc.assert(
      fc.asyncProperty(answer, sizes, async (one, cuts) => {
        text = one.text;
        const call = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }).end();
        const [response] = (await once(call, 'response')) as [
          NodeJS.ReadableStream & { statusCode: number; headers: Record<string, string> },
        ];
        let body = '';
        for await (const chunk of response) body += (chunk as Buffer).toString('latin1');
        const { heard } = hear(Buffer.from(text, 'latin1'), cuts);
        expect(heard[0]).toMatchObject({ status: response.statusCode, body, fields: { 'x-field': response.headers['x-field'] } });
      }),
      { numRuns: 40 },
    );
  });
});

describe('request heads', () => {
  const head = (more: object): string | null =>
    requestHead({ method: 'GET', path: '/a?b', host: 'h:1', fields: [], bodyBytes: null, ...more });
  it.each([
    [{}, 'GET /a?b HTTP/1.1\r\nhost: h:1\r\n\r\n'],
    [{ fields: ['host', 'other', 'x', 'y'] }, 'GET /a?b HTTP/1.1\r\nhost: other\r\nx: y\r\n\r\n'],
    [{ method: 'POST', bodyBytes: 3, fields: ['content-length', '99'] }, 'POST /a?b HTTP/1.1\r\nhost: h:1\r\ncontent-length: 3\r\n\r\n'],
    [{ method: 'POST' }, 'POST /a?b HTTP/1.1\r\nhost: h:1\r\ncontent-length: 0\r\n\r\n'],
    [{ fields: ['x', 'a\r\nevil: 1'] }, null],
    [{ fields: ['x', '\u20ac'] }, null],
    [{ path: '/a b' }, null],
    [{ path: '/a\r\nx' }, null],
  ])('%j', (more, text) => expect(head(more)).toBe(text));
});
