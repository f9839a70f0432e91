// Who asks, and where what is: a token and the catalog of services, from Keystone v3 (password or application credential, docs.openstack.org/api-ref/identity/v3) or from Rackspace's own
// v2.0 with an API key. A token is used until it is nearly over or an answer says that it is good for nothing; many calls that need one at the same time
// share one login. Which login, from which variables, is profiles.ts; the catalog of v2.0 is read into the form of v3.

import type { CloudComponents, Refusal } from '../../cloud.ts';
import { errorIn, refusalOf, type VendorError } from './refusals.ts';

export interface Endpoint {
  readonly type: string;
  readonly name: string;
  readonly region: string;
  readonly interface: string;
  readonly url: string;
}

export interface Session {
  readonly token: string;
  readonly userId: string;
  readonly projectId: string;
  /** Wall clock, ms. */
  readonly endsWallMs: number;
  readonly endpoints: readonly Endpoint[];
}

export interface Login {
  readonly form: 'v3' | 'rackspace-v2';
  /** With the version, without a slash at its end. */
  readonly url: string;
  readonly body: unknown;
  /** A user may make application credentials; an application credential may not, and Rackspace's v2.0 has none. */
  readonly canDelegate: boolean;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  /** `isUnclear`: nobody knows whether it was done. `status`: HTTP. */
  | { readonly ok: false; readonly refusal: Refusal; readonly isUnclear?: boolean; readonly status?: number | null };

export interface Sessions {
  readonly login: Login;
  get(): Promise<{ readonly session: Session } | { readonly error: VendorError }>;
  /** This token was refused. */
  forget(token: string): void;
}

/** A token that ends while a call is on its way would cost a second try. */
const MARGIN_MS = 60_000;
const LOGIN_MS_MAX = 30_000;

export function createSessions(login: Login, { wallNowMs }: Pick<CloudComponents, 'wallNowMs'>): Sessions {
  let current: Session | null = null;
  let pending: ReturnType<Sessions['get']> | null = null;
  return {
    login,
    async get() {
      if (current !== null && current.endsWallMs - MARGIN_MS > wallNowMs()) return { session: current };
      pending ??= logIn(login).finally(() => {
        pending = null;
      });
      const done = await pending;
      if ('session' in done) current = done.session;
      return done;
    },
    forget(token) {
      if (current?.token === token) current = null;
    },
  };
}

async function logIn({ form, url, body }: Login): Promise<{ readonly session: Session } | { readonly error: VendorError }> {
  try {
    const answer = await fetch(form === 'v3' ? `${url}/auth/tokens` : `${url}/tokens`, {
      ...{ method: 'POST', redirect: 'error', signal: AbortSignal.timeout(LOGIN_MS_MAX), body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    });
    const text = await answer.text();
    if (!answer.ok) return { error: errorIn(answer.status, text, answer.headers.get('retry-after')) };
    const read = form === 'v3' ? sessionOfV3(answer.headers.get('x-subject-token') ?? '', text) : sessionOfV2(text);
    if (read.token === '' || Number.isNaN(read.endsWallMs)) return { error: strange('the identity service gave no token') };
    return { session: read };
  } catch (error) {
    return { error: networkError(error as Error) };
  }
}

const strange = (message: string): VendorError => ({ status: 500, word: '', message, retryAfterMs: null });

/** Also of a body that is not what it should be. */
export function networkError({ message, cause, name }: Error): VendorError {
  if (name === 'SyntaxError' || (name === 'TypeError' && cause === undefined)) return strange(`the answer cannot be read: ${message}`);
  return { status: null, word: 'network', message: cause instanceof Error ? cause.message || String(cause) : message, retryAfterMs: null };
}

interface TokenV3 {
  readonly token?: {
    readonly expires_at?: string;
    readonly user?: { readonly id?: string };
    readonly project?: { readonly id?: string };
    readonly catalog?: ReadonlyArray<{
      readonly type?: string;
      readonly name?: string;
      readonly endpoints?: ReadonlyArray<{ readonly region?: string; readonly interface?: string; readonly url?: string }>;
    }>;
  };
}

function sessionOfV3(token: string, text: string): Session {
  const { expires_at = '', user, project, catalog = [] } = (JSON.parse(text) as TokenV3).token ?? {};
  const endpoints = catalog.flatMap(({ type = '', name = '', endpoints: all = [] }) =>
    all.map(({ region = '', interface: face = '', url = '' }) => ({ type, name, region, interface: face, url })),
  );
  return { token, userId: user?.id ?? '', projectId: project?.id ?? '', endsWallMs: Date.parse(expires_at), endpoints };
}

interface AccessV2 {
  readonly access?: {
    readonly token?: { readonly id?: string; readonly expires?: string; readonly tenant?: { readonly id?: string } };
    readonly user?: { readonly id?: string };
    readonly serviceCatalog?: ReadonlyArray<{
      readonly type?: string;
      readonly name?: string;
      readonly endpoints?: ReadonlyArray<{ readonly region?: string; readonly publicURL?: string; readonly internalURL?: string }>;
    }>;
  };
}

/** The first generation of Rackspace's servers is in the catalog as well: of the same type, and without a region. */
function sessionOfV2(text: string): Session {
  const { token, user, serviceCatalog = [] } = (JSON.parse(text) as AccessV2).access ?? {};
  const endpoints = serviceCatalog.flatMap(({ type = '', name = '', endpoints: all = [] }) =>
    all.flatMap(({ region = '', publicURL = '', internalURL = '' }) => [
      { type, name, region, interface: 'public', url: publicURL },
      { type, name, region, interface: 'internal', url: internalURL },
    ]),
  );
  const endsWallMs = Date.parse(token?.expires ?? '');
  return { token: token?.id ?? '', userId: user?.id ?? '', projectId: token?.tenant?.id ?? '', endsWallMs, endpoints };
}

export const refusedLogin = (vendor: string, error: VendorError): Refusal => refusalOf(vendor, 'log in', error);
