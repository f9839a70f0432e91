// From options to steps: everything that can be worked out before the run is worked out here once for all endpoints of a group - templates,
// header lists, paths, patterns, the series that samples go to. At run time a request without names costs no string work at all.

import type { StatusRange, Think } from '../../core/option-shapes.ts';
import type { Recorder } from '../../core/stats-types.ts';
import { compileJsonTemplate, compileTemplate, type Template } from '../../core/template.ts';
import { type Capture, type Check, compileCapture, compileCheck } from './checks.ts';
import { createRequestSeries, type RequestSeries } from './metrics.ts';
import type { HttpOptions, RequestOptions } from './options.ts';
import { type Place, splitUrl } from './url.ts';

export interface Step {
  readonly name: string;
  readonly method: string;
  readonly url: Template;
  /** The place of a URL without names. */
  readonly place: Place | undefined;
  /** Names and templates alternately, or their texts when none has a name. */
  readonly headers: { readonly constant: readonly string[] } | { readonly templates: readonly (readonly [string, Template])[] };
  readonly body: Template | undefined;
  readonly timeoutMs: number;
  readonly expect: readonly StatusRange[];
  readonly checks: readonly Check[];
  readonly captures: readonly Capture[];
  readonly needsBody: boolean;
  readonly think: Think | undefined;
  readonly repeat: number;
  readonly series: RequestSeries;
}

export function compileSteps(options: HttpOptions, recorder: Recorder): Step[] {
  return options.requests.map((request) => compileStep(options, request, recorder));
}

/** The URL as it will be requested, names unresolved. */
export function wholeUrl(options: Pick<HttpOptions, 'baseUrl'>, url: string): string {
  return url.startsWith('/') && options.baseUrl !== undefined ? options.baseUrl.replace(/\/$/, '') + url : url;
}

function compileStep(options: HttpOptions, request: RequestOptions, recorder: Recorder): Step {
  const url = compileTemplate(wholeUrl(options, request.url));
  const name = request.name ?? `${request.method} ${request.url}`;
  const checks = request.checks.map((check) => compileCheck(check, recorder));
  const captures = Object.entries(request.captures).map(([captured, capture]) => compileCapture(captured, capture));
  return {
    name,
    method: request.method,
    url,
    place: url.constant === undefined ? undefined : splitUrl(url.constant),
    headers: compileHeaders(options, request),
    body: compileBody(request),
    timeoutMs: request.timeout ?? options.timeout,
    expect: request.expect ?? options.expect,
    checks,
    captures,
    needsBody: checks.some((check) => check.needsBody) || captures.some((capture) => capture.needsBody),
    think: request.think ?? options.think,
    repeat: request.repeat,
    series: createRequestSeries(recorder, name, request.method),
  };
}

function compileBody(request: RequestOptions): Template | undefined {
  if (request.json !== undefined) return compileJsonTemplate(request.json);
  if (request.text !== undefined) return compileTemplate(request.text);
  if (request.form === undefined) return undefined;
  const fields = Object.entries(request.form).map(([field, value]) => [field, compileTemplate(value)] as const);
  const names = [...new Set(fields.flatMap(([, template]) => template.names))];
  const render: Template['render'] = (values, local) => {
    const form = new URLSearchParams();
    for (const [field, template] of fields) {
      const value = template.render(values, local);
      if (value === undefined) return undefined;
      form.append(field, value);
    }
    return form.toString();
  };
  return { source: JSON.stringify(request.form), names, constant: names.length === 0 ? render({}) : undefined, render };
}

/** Group headers first, the request's own win; a content type that fits the body unless somebody said one. */
function compileHeaders(options: HttpOptions, request: RequestOptions): Step['headers'] {
  const written = new Map<string, string>([['user-agent', 'quilt-swarm']]);
  if (request.json !== undefined) written.set('content-type', 'application/json');
  if (request.form !== undefined) written.set('content-type', 'application/x-www-form-urlencoded');
  for (const [name, value] of [...Object.entries(options.headers), ...Object.entries(request.headers)])
    written.set(name.toLowerCase(), value);
  if (!options.keepAlive) written.set('connection', 'close');
  const templates = [...written].map(([name, value]) => [name, compileTemplate(value)] as const);
  if (templates.some(([, template]) => template.constant === undefined)) return { templates };
  return { constant: templates.flatMap(([name, template]) => [name, template.constant as string]) };
}
