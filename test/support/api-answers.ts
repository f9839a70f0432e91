// Holds what a console answers to what its description promises: the schemas are strict, so a field that none of them tells of fails as loudly as one that is missing. Refusals too must have
// their one shape, and a status that the description lists for the route.

import { expect } from 'vitest';
import { refusal } from '../../tools/console/schemas/problems.ts';
import { refusedWith } from '../../tools/console/server/openapi.ts';
import type { RouteRow } from '../../tools/console/server/route.ts';
import { API } from '../../tools/console/server/routes.ts';

export function rowOf(method: string, path: string): RouteRow | undefined {
  const [plain = ''] = path.split('?');
  return API.find((row) => {
    const pattern = new RegExp(`^${row.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return row.method === method.toLowerCase() && pattern.test(plain);
  });
}

/** `text`: the body that came. */
export function expectAsDescribed(method: string, path: string, status: number, text: string): void {
  const row = rowOf(method, path);
  const place = `${method} ${path}: ${status} ${text.slice(0, 300)}`;
  if (status >= 400) {
    expect(refusal.safeParse(JSON.parse(text)).error, place).toBeUndefined();
    if (row !== undefined) expect(refusedWith(row), place).toContain(status);
  } else if (row !== undefined) {
    const answer: unknown = row.media === undefined ? JSON.parse(text) : text;
    expect(row.answers.safeParse(answer).error, place).toBeUndefined();
  }
}
