// Calls of OpenStack's services over plain fetch: where a service is in a region, one call with its token, retries, time limit, and lists with their pages. What passes by itself
// (throttling, 5xx, the network, a token that has ended) is tried again with growing pauses, but not a call that makes something: Nova and Neutron have no client token, so
// after an unclear answer the caller has to look whether the thing is there (`lookOrMake`). A call in flight is never torn: an abort takes effect at the next pause.

import type { CloudComponents, Refusal } from '../../cloud.ts';
import { type Answer, type Endpoint, networkError, refusedLogin, type Session, type Sessions } from './identity.ts';
import { causeOf, errorIn, isUnclear, refusal, refusalOf, type VendorError } from './refusals.ts';

export type Service = 'compute' | 'network' | 'image' | 'identity';

export interface CallInit {
  readonly service: Service;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the service's versioned endpoint, with a slash at its start. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For messages: what is being done. */
  readonly doing: string;
  /** A POST that does the same again. */
  readonly isRepeatable?: boolean;
  /** Asked when the call's turn comes; false = it is not made, and its answer is a refusal. */
  readonly isWanted?: () => boolean;
}

export interface LookOrMake<T> {
  readonly look: () => Promise<Answer<T | null>>;
  readonly make: () => Promise<Answer<T>>;
  /** The caller has looked already. */
  readonly isAbsent?: boolean;
  readonly signal?: AbortSignal;
}

export interface Api {
  readonly vendor: string;
  readonly region: string;
  call<T>(init: CallInit): Promise<Answer<T>>;
  /** All pages of a list, by limit and marker; `key` is where the rows are in the answer. */
  list<T extends { readonly id?: string }>(init: CallInit, key: string): Promise<Answer<readonly T[]>>;
  session(): Promise<Answer<Session>>;
  /** The versioned endpoint, without a slash at its end; a refusal names the regions that there are. */
  endpoint(service: Service): Promise<Answer<string>>;
  /** Makes what `look` does not find; after an unclear answer it looks again before it asks again. */
  lookOrMake<T>(init: LookOrMake<T>): Promise<Answer<T>>;
}

export interface ApiInit {
  readonly vendor: string;
  readonly region: string;
  readonly sessions: Sessions;
  readonly interface: string;
  readonly components: CloudComponents;
}

const CALLS_AT_ONCE = 8;
const TRIES_MAX = 6;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 20_000;
/** A provider that asks for more than this is not waited for; Rackspace's windows are a minute. */
const RETRY_AFTER_MS_MAX = 90_000;
const CALL_MS_MAX = 60_000;
const PAGE_ROWS = '500';
const PAGES_MAX = 200;

type Tried =
  | { readonly value: unknown }
  | { readonly error: VendorError; readonly token?: string; readonly isLogin?: boolean }
  | { readonly refusal: Refusal };

export function createApi(init: ApiInit): Api {
  const { vendor, region, sessions, interface: face, components } = init;
  const turn = createTurns(CALLS_AT_ONCE);
  const call = async <T>(ask: CallInit): Promise<Answer<T>> => {
    for (let tries = 1; ; tries++) {
      const done = await turn(() => once(init, ask));
      if ('value' in done) return { ok: true, value: done.value as T };
      if ('refusal' in done) return { ok: false, refusal: done.refusal };
      const { error, token = '', isLogin = false } = done;
      const cause = causeOf(error);
      const isOldToken = cause === 'credentials' && token !== '' && tries === 1;
      if (isOldToken) sessions.forget(token);
      const refused = isLogin ? refusedLogin(vendor, error) : refusalOf(vendor, ask.doing, error);
      const failed = { ok: false as const, refusal: refused, isUnclear: isUnclear(error) && !isLogin, status: error.status };
      const pauseMs = pauseMsOf(components, tries, error.retryAfterMs);
      const mayRepeat = isLogin || ask.method !== 'POST' || ask.isRepeatable === true;
      const isPassing = cause === 'throttled' ? pauseMs <= RETRY_AFTER_MS_MAX : isUnclear(error) && mayRepeat;
      if (tries >= TRIES_MAX || !(isOldToken || isPassing)) return failed;
      if (!isOldToken) await components.sleep(pauseMs);
    }
  };
  const session = async (): Promise<Answer<Session>> => {
    const done = await sessions.get();
    return 'session' in done ? { ok: true, value: done.session } : { ok: false, refusal: refusedLogin(vendor, done.error) };
  };
  return {
    ...{ vendor, region, call, session },
    list: (ask, key) => listPages(vendor, call, ask, key),
    lookOrMake: (ask) => lookOrMake(components, ask),
    async endpoint(service) {
      const open = await session();
      if (!open.ok) return open;
      const url = urlOf(open.value.endpoints, service, region, face);
      return url === null ? { ok: false, refusal: noEndpoint(vendor, region, service, open.value.endpoints) } : { ok: true, value: url };
    },
  };
}

// Full jitter: the calls that were throttled together do not come back together.
const pauseMsOf = ({ random }: CloudComponents, tries: number, retryAfterMs: number | null): number =>
  retryAfterMs ?? Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** tries) * (0.5 + random() / 2);

async function once({ vendor, region, sessions, interface: face }: ApiInit, ask: CallInit): Promise<Tried> {
  const { service, method = 'GET', path, query, body, doing, isWanted } = ask;
  if (isWanted?.() === false) return { refusal: refusal(vendor, 'vendor', `${doing}: given up`) };
  const login = await sessions.get();
  if ('error' in login) return { error: login.error, isLogin: true };
  const { token, endpoints } = login.session;
  const base = service === 'identity' ? sessions.login.url : urlOf(endpoints, service, region, face);
  if (base === null) return { refusal: noEndpoint(vendor, region, service, endpoints) };
  const search = new URLSearchParams(query).toString();
  const headers = { 'x-auth-token': token, accept: 'application/json' };
  const content =
    body === undefined ? { headers } : { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  try {
    const signal = AbortSignal.timeout(CALL_MS_MAX);
    const answer = await fetch(`${base}${path}${search === '' ? '' : `?${search}`}`, { method, redirect: 'error', signal, ...content });
    const text = await answer.text();
    if (!answer.ok) return { error: errorIn(answer.status, text, answer.headers.get('retry-after')), token };
    return { value: text === '' ? null : (JSON.parse(text) as unknown) };
  } catch (error) {
    return { error: networkError(error as Error) };
  }
}

async function listPages<T extends { readonly id?: string }>(
  vendor: string,
  call: Api['call'],
  ask: CallInit,
  key: string,
): Promise<Answer<readonly T[]>> {
  const rows: T[] = [];
  let marker = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { ...ask.query, limit: PAGE_ROWS, ...(marker === '' ? {} : { marker }) };
    const answer = await call<Readonly<Record<string, unknown>>>({ ...ask, query });
    if (!answer.ok) return answer;
    const got = (answer.value[key] ?? []) as T[];
    rows.push(...got);
    // Glance says `next`, Nova and Neutron KEY_links; a provider may give fewer rows than were asked for.
    const links = (answer.value[`${key}_links`] ?? []) as ReadonlyArray<{ readonly rel?: string }>;
    const isMore = answer.value.next !== undefined || links.some(({ rel }) => rel === 'next');
    marker = got.at(-1)?.id ?? '';
    if (marker === '' || !isMore) return { ok: true, value: rows };
  }
  return { ok: false, refusal: refusal(vendor, 'vendor', `${ask.doing}: more than ${PAGES_MAX} pages`) };
}

async function lookOrMake<T>(components: CloudComponents, { look, make, isAbsent = false, signal }: LookOrMake<T>): Promise<Answer<T>> {
  const found = isAbsent ? null : await look();
  if (found?.ok === false) return found;
  if (found !== null && found.value !== null) return { ok: true, value: found.value };
  for (let tries = 1; ; tries++) {
    const made = await make();
    if (made.ok || made.isUnclear !== true || tries >= TRIES_MAX) return made;
    await components.sleep(pauseMsOf(components, tries, null));
    // Also after an abort: what was made must not be forgotten.
    const there = await look();
    if (!there.ok || there.value !== null) return there.ok ? { ok: true, value: there.value as T } : made;
    if (signal?.aborted) return made;
  }
}

/** Runs what it is given, a bounded number at once, in the order of asking. */
function createTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: Array<() => void> = [];
  let running = 0;
  return async (work) => {
    if (running === most) await new Promise<void>((start) => waiting.push(start));
    else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, or given up.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

/** Catalogs name endpoints with and without a version. Regions are compared without case: people write dfw and DFW. */
function urlOf(endpoints: readonly Endpoint[], service: Service, region: string, face: string): string | null {
  const here = endpoints.filter(
    (each) => each.type === service && each.region.toLowerCase() === region.toLowerCase() && each.interface === face,
  );
  const [endpoint] = here;
  if (endpoint === undefined || !/^https?:\/\//.test(endpoint.url)) return null;
  const url = endpoint.url.replace(/\/+$/, '');
  if (service === 'compute') return /\/v2(\.\d+)?(\/|$)/.test(url) ? url : `${url}/v2.1`;
  return `${url.replace(/\/v\d+(\.\d+)?$/, '')}${service === 'network' ? '/v2.0' : '/v2'}`;
}

function noEndpoint(vendor: string, region: string, service: Service, endpoints: readonly Endpoint[]): Refusal {
  const regions = [...new Set(endpoints.filter(({ type }) => type === service).map((each) => each.region))]
    .filter((each) => each !== '')
    .sort();
  const hint = regions.length === 0 ? `the catalog of this project has no ${service} service` : `regions with one: ${regions.join(', ')}`;
  return refusal(vendor, 'not-found', `no ${service} service in region '${region}'`, hint);
}
