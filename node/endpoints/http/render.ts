// A step as the request that goes out, and a redirect as the request that follows it. Pure: values in, request out. A step without names
// renders to what was compiled before the run.

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { missingNames, type Template, type Values } from '../../core/template.ts';
import type { Step } from './compile.ts';
import type { CookieJar } from './cookies.ts';
import { type Place, resolveLocation, splitUrl } from './url.ts';

export interface Rendered {
  readonly place: Place;
  readonly request: Dispatcher.DispatchOptions & { readonly headers: readonly string[] };
}

/** The request, or why it cannot be made: a name that nobody gave a value, or something that is no URL. */
export function renderRequest(step: Step, values: Values, captured: Values, cookies: CookieJar | null): Rendered | string {
  const url = step.place === undefined ? step.url.render(values, captured) : undefined;
  const place = step.place ?? (url === undefined ? undefined : splitUrl(url));
  const body = step.body?.render(values, captured);
  const headers = renderHeaders(step, values, captured);
  if (place === undefined || headers === undefined || (step.body !== undefined && body === undefined)) {
    const missing = [...new Set(templatesOf(step).flatMap((template) => missingNames(template, values, captured)))];
    return missing.length > 0 ? `${step.name}: no value for ${missing.join(', ')}` : `${step.name}: not an http(s) URL: ${url}`;
  }
  const request = { path: place.path, method: step.method as Dispatcher.HttpMethod, headers: withCookies(headers, place, cookies), body };
  return { place, request };
}

function templatesOf(step: Step): Template[] {
  const templates = 'templates' in step.headers ? step.headers.templates.map(([, template]) => template) : [];
  return [step.url, ...templates, ...(step.body === undefined ? [] : [step.body])];
}

function renderHeaders(step: Step, values: Values, captured: Values): readonly string[] | undefined {
  if ('constant' in step.headers) return step.headers.constant;
  const headers: string[] = [];
  for (const [name, template] of step.headers.templates) {
    const value = template.render(values, captured);
    if (value === undefined) return undefined;
    headers.push(name, value);
  }
  return headers;
}

function withCookies(headers: readonly string[], place: Place, cookies: CookieJar | null): string[] {
  const cookie = cookies?.headerFor(place.origin);
  // undici takes the array as it is and does not write to it; copying it a request would be waste.
  return cookie === undefined ? (headers as string[]) : [...headers, 'cookie', cookie];
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Never sent to another origin than the one they were written for (as browsers and curl do it). */
const PRIVATE_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

export const isRedirect = (status: number): boolean => REDIRECTS.has(status);

/** What a redirect asks for; undefined when it does not say. RFC 9110 section 15.4: 307 and 308 repeat the request, the others become GET. */
export function redirected(
  step: Step,
  from: Rendered,
  status: number,
  answer: IncomingHttpHeaders,
  cookies: CookieJar | null,
): Rendered | undefined {
  if (typeof answer.location !== 'string') return undefined;
  const place = resolveLocation(from.place, answer.location);
  if (place === undefined) return undefined;
  const repeats = status === 307 || status === 308 || step.method === 'GET' || step.method === 'HEAD';
  const isElsewhere = place.origin !== from.place.origin;
  const headers: string[] = [];
  for (let index = 0; index < from.request.headers.length; index += 2) {
    const name = from.request.headers[index] as string;
    const isDropped = name === 'cookie' || (isElsewhere && PRIVATE_HEADERS.has(name)) || (!repeats && name.startsWith('content-'));
    if (!isDropped) headers.push(name, from.request.headers[index + 1] as string);
  }
  const method = (repeats ? step.method : 'GET') as Dispatcher.HttpMethod;
  const request = {
    path: place.path,
    method,
    headers: withCookies(headers, place, cookies),
    body: repeats ? from.request.body : undefined,
  };
  return { place, request };
}
