// Holds what a console answers to what its description promises: the schemas are strict, so a field that none of them tells of fails as loudly as one that is missing; and the JSON Schema
// that scripts are given must say the same. Refusals too must have their one shape, and a status that the description lists for the route.

import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { refusal } from '../../tools/console/schemas/problems.ts';
import { describeApi, refusedWith } from '../../tools/console/server/openapi.ts';
import type { RouteRow } from '../../tools/console/server/route.ts';
import { API } from '../../tools/console/server/routes.ts';

type Json = { [key: string]: unknown };

export function rowOf(method: string, path: string): RouteRow | undefined {
  const [plain = ''] = path.split('?');
  return API.find((row) => {
    const pattern = new RegExp(`^${row.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return row.method === method.toLowerCase() && pattern.test(plain);
  });
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
const description = describeApi(API, 'test') as Json;
ajv.addSchema(description, 'api');

function wrongIn(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  return error === undefined ? '' : z.prettifyError(error);
}

/** By the description alone, as a generated client would. */
function complaintOf(row: RouteRow, status: number, answer: unknown): string {
  const path = row.path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');
  const media = status === 200 ? (row.media ?? 'application/json') : 'application/json';
  const at = `#/paths/${path}/${row.method}/responses/${status}/content/${media.replace('/', '~1')}/schema`;
  const validate = ajv.getSchema(`api${at}`) ?? ajv.compile({ $ref: `api${at}` });
  return validate(answer) ? '' : ajv.errorsText(validate.errors);
}

function hold(place: string, complaint: string): void {
  if (complaint !== '') throw new Error(`${place}\n${complaint}`);
}

/** `text`: the body that came. */
export function expectAsDescribed(method: string, path: string, status: number, text: string): void {
  const row = rowOf(method, path);
  const place = `${method} ${path}: ${status} ${text.slice(0, 300)}`;
  if (status >= 400) {
    hold(place, wrongIn(refusal, JSON.parse(text)));
    if (row === undefined) return;
    hold(place, refusedWith(row).some((told) => told === status) ? '' : `the description of this route has no ${status}`);
    hold(place, complaintOf(row, status, JSON.parse(text)));
  } else if (row !== undefined) {
    const answer: unknown = row.media === undefined ? JSON.parse(text) : text;
    hold(place, wrongIn(row.answers, answer));
    hold(place, complaintOf(row, status, answer));
  }
}
