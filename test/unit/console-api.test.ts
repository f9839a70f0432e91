// The console's API as a table: what is described is what is there, the description is OpenAPI and keeps version 1, examples are what they are examples of, the page for people has every row,
// and schemas are what the types are.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDemoFeed } from '../../tools/console/page/demo-feed.ts';
import { startDemo } from '../../tools/console/page/demo-server.ts';
import { liveMessage } from '../../tools/console/schemas/live.ts';
import { named, schemaOf } from '../../tools/console/schemas/parts.ts';
import { REFUSED } from '../../tools/console/schemas/problems.ts';
import { describeApi } from '../../tools/console/server/openapi.ts';
import { API } from '../../tools/console/server/routes.ts';
import { expectAsDescribed } from '../support/api-answers.ts';
import { closeConsoles, consoleLab } from '../support/console-lab.ts';
import { markedTables } from '../support/docs.ts';

afterAll(closeConsoles);

type Json = { [key: string]: unknown };
const described = describeApi(API, '0.0.1') as {
  info: Json;
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json> };
} & Json;

describe('the description', () => {
  it('has every route that is registered, and no other', async () => {
    const { app } = await consoleLab();
    const tree = app.printRoutes({ commonPrefix: false }).split('\n');
    const folders: string[] = [];
    const registered = tree.flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^((?:│ {3}| {4})*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      const depth = indent.length / 4;
      folders.splice(depth, folders.length, part);
      const path = folders.join('').replaceAll(/:(\w+)/g, '{$1}');
      return methods === '' ? [] : methods.split(', ').map((method) => `${method} ${path}`);
    });
    const inApi = registered.filter((name) => name.includes(' /api/') && !name.startsWith('HEAD '));
    const inDescription = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(inApi.sort()).toEqual(inDescription.sort());
    expect(inDescription.sort()).toEqual(API.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort());
    expect(inApi.length).toBeGreaterThan(15);
  });

  it('is an OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(described))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const broken = structuredClone(described) as Json & { info: Json };
    delete broken.info.version;
    expect((await new Validator().validate(broken)).valid, 'the check can fail').toBe(false);
  });

  it('refers to nothing that is not in it, and holds nothing that nobody refers to', () => {
    const used = [...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to);
    const there = Object.keys(described.components.schemas).map((id) => `#/components/schemas/${id}`);
    expect(new Set(used)).toEqual(new Set(there));
  });

  it('gives the meaning of every field', () => {
    const dumb: string[] = [];
    const look = (at: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [name, field] of Object.entries(((schema as Json).properties ?? {}) as Record<string, Json>)) {
        const isPlain = ['string', 'number', 'integer', 'boolean'].includes(field.type as string) && field.const === undefined;
        if (isPlain && field.description === undefined) dumb.push(`${at}.${name}`);
      }
      for (const [key, inner] of Object.entries(schema)) look(`${at}.${key}`, inner);
    };
    look('', described.components.schemas);
    expect(dumb).toEqual([]);
  });

  it('is open for fields to come in answers, and not in requests', () => {
    const { SessionView, StartRequest } = described.components.schemas;
    expect([SessionView?.additionalProperties, StartRequest?.additionalProperties]).toEqual([undefined, false]);
    expect(StartRequest?.required).toEqual(['path']);
  });

  it('has examples that are what they are examples of', () => {
    const schemas = [...API.flatMap(({ body, answers }) => [body, answers])].filter((schema) => schema !== undefined);
    const examples = schemas.flatMap((schema) =>
      ((schema.meta()?.examples ?? []) as unknown[]).map((example) => [schema, example] as const),
    );
    for (const [schema, example] of examples) expect(schema.safeParse(example).error, JSON.stringify(example)).toBeUndefined();
    const requests = API.flatMap(({ body }) => (body === undefined ? [] : [body]));
    expect(requests.filter((schema) => schema.meta()?.examples === undefined)).toEqual([]);
    expect(examples.length).toBeGreaterThan(8);
  });

  it('keeps version 1: what was there stays', async () => {
    const refOf = (holder: unknown): string => /"\$ref":"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(holder ?? null))?.[1] ?? '-';
    const lines = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security, parameters = [], requestBody, responses }]) => {
        const given = (parameters as Json[]).map(({ name, required }) => `${String(name)}${required === true ? '' : '?'}`).join(',');
        const answers = refOf((responses as Json)[200]);
        return `${method} ${path} (${given}) ${refOf(requestBody)} -> ${answers}${security === undefined ? '' : ', for anybody'}`;
      }),
    );
    const fields = (at: string, schema: unknown): string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      const { properties = {}, required = [], ...rest } = schema as { properties?: Record<string, Json>; required?: string[] } & Json;
      const own = Object.entries(properties).flatMap(([name, field]) => {
        const what = field.$ref ?? field.const ?? field.enum ?? field.type ?? (field.anyOf === undefined ? '?' : 'anyOf');
        return [`${at}.${name}${required.includes(name) ? '' : '?'} ${JSON.stringify(what)}`, ...fields(`${at}.${name}`, field)];
      });
      return [
        ...own,
        ...Object.values(rest).flatMap((inner) => (Array.isArray(inner) ? inner : [inner]).flatMap((one) => fields(at, one))),
      ];
    };
    const all = [...lines, ...Object.entries(described.components.schemas).flatMap(([id, schema]) => fields(id, schema))];
    await expect(`${all.sort().join('\n')}\n`).toMatchFileSnapshot('../golden/console-api-v1.txt');
  });
});

describe('the page for people who write scripts', () => {
  const tables = markedTables(readFileSync(fileURLToPath(new URL('../../tools/console/API.md', import.meta.url)), 'utf8'));

  it('lists every route', () => {
    const rows = tables.find(({ marker }) => marker === 'routes')?.rows;
    expect(rows).toEqual(API.map(({ method, path, role, summary }) => [`\`${method.toUpperCase()} ${path}\``, role, summary]));
  });

  it('lists every status of a refusal', () => {
    const rows = tables.find(({ marker }) => marker === 'refusals')?.rows;
    expect(rows).toEqual(Object.entries(REFUSED));
  });
});

it('the check of answers can fail', () => {
  const more = { canShare: true, watchesBecause: null };
  const answer = { protocol: 1, version: '1', mode: 'watch', swarmId: null, canSteer: true, canStart: false, ...more };
  const check =
    (told: object, status = 200) =>
    () =>
      expectAsDescribed('GET', '/api/v1/session', status, JSON.stringify(told));
  expect(check(answer)).not.toThrow();
  expect(check({ ...answer, isNew: true }), 'a field that no schema has').toThrow('isNew');
  expect(check({ ...answer, swarmId: undefined }), 'one that is missing').toThrow('swarmId');
  expect(check({ message: 'no' }, 401), 'a refusal of another shape').toThrow('code');
  expect(check({ code: 'QUILT_X', message: '', hint: null, line: null, column: null, key: null, more: 0 }, 409)).toThrow('has no 409');
});

describe('the demo that the page is tested with', () => {
  it('answers what a console answers', async () => {
    const demo = await startDemo({ nodes: 5, hours: 0.05 });
    try {
      for (const path of [
        'session',
        'schema',
        'scenarios',
        'scenario?path=bridge.yaml',
        'runs',
        'runs/2026-11-28T08-00-00-rush-hour/summary',
      ]) {
        const answer = await fetch(`${demo.url}/api/v1/${path}`);
        expectAsDescribed('GET', `/api/v1/${path}`, answer.status, await answer.text());
      }
      const feed = createDemoFeed({ seed: 1, nodes: 5, totalS: 100, hostile: '<b>' });
      const messages = [
        { type: 'state', state: feed.state(50, 0, 1) },
        feed.timeline(0, 50, true),
        { type: 'report', summary: feed.report(50, 0) },
      ];
      for (const message of messages) expect(liveMessage.safeParse(JSON.parse(JSON.stringify(message))).error).toBeUndefined();
    } finally {
      await demo.close();
    }
  });
});

describe('schemas', () => {
  interface Point {
    readonly x: number;
    readonly note?: string;
  }
  const x = z.number();

  it('do not compile when they differ from the type that they are of', () => {
    const note = z.string().optional();
    schemaOf<Point>()('TestSame', 'the same', z.strictObject({ x, note }));
    // @ts-expect-error a field that may be left out is missing
    schemaOf<Point>()('TestLess', 'less', z.strictObject({ x }));
    // @ts-expect-error one is too many
    schemaOf<Point>()('TestMore', 'more', z.strictObject({ x, note, y: x.optional() }));
    // @ts-expect-error one may not be left out
    schemaOf<Point>()('TestOther', 'other', z.strictObject({ x, note: z.string() }));
    expect(() => named('TestSame', 'a name that is taken', x)).toThrow('two schemas of the API are named TestSame');
  });
});
