// Access tokens for Google's APIs, without a library: a service account's key file signs a JWT (RFC 7523, RS256) that its `token_uri` exchanges, or the metadata server of the
// machine that this runs on is asked. One token serves all calls until a minute before it ends; several callers wait for one exchange. The key never leaves this file.
// What the token may do is the account's business; `token_uri` must be https, or loopback, so that a signed assertion is not sent in the clear.

import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { fail, ok, type Result } from '../../../node/core/errors.ts';
import type { CloudComponents } from '../../cloud.ts';

const SCOPE = 'https://www.googleapis.com/auth/compute';
/** Google admits an hour at most. */
const JWT_S = 3600;
/** A token that ends sooner is not used for another call. */
const SLACK_MS = 60_000;
const CALL_MS_MAX = 20_000;
/** Off Google's machines nobody answers there: no reason to wait for long. */
const METADATA_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024;

const keyFileSchema = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(3),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
  project_id: z.string().optional(),
  token_uri: z.url(),
});
const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

export interface TokenSource {
  /** Project of the credentials, null when they name none. */
  readonly project: string | null;
  token(): Promise<Result<string>>;
  /** The vendor refused this token: the next call gets another one. */
  forget(token: string): void;
}

const wrong = (message: string, hint: string) => fail({ code: 'QUILT_GCE_CREDENTIALS', message, hint });

const HOW = 'set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account, or run on a Google machine that has one';

/** Problem: QUILT_GCE_CREDENTIALS. */
export async function createTokenSource(components: CloudComponents): Promise<Result<TokenSource>> {
  const path = components.environment('GOOGLE_APPLICATION_CREDENTIALS');
  if (path !== undefined && path !== '') return fromKeyFile(path, components);
  const host = components.environment('GCE_METADATA_HOST') ?? 'metadata.google.internal';
  const ask = async (what: string): Promise<Result<string>> => {
    const headers = { 'Metadata-Flavor': 'Google' };
    return askText(`http://${host}/computeMetadata/v1/${what}`, { headers }, METADATA_MS_MAX);
  };
  const project = await ask('project/project-id');
  if (!project.ok) return wrong(`no key file, and no metadata server: ${project.problems[0]?.message}`, HOW);
  const exchange = async (): Promise<Result<string>> => ask('instance/service-accounts/default/token');
  return ok(cached(project.value.trim(), exchange, components));
}

function fromKeyFile(path: string, components: CloudComponents): Result<TokenSource> {
  let file: z.infer<typeof keyFileSchema>;
  let key: KeyObject;
  try {
    const parsed = keyFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) return wrong(`${path} is no key file of a service account (${parsed.error.issues[0]?.path.join('.')})`, HOW);
    file = parsed.data;
    key = createPrivateKey(file.private_key);
  } catch (error) {
    // The message of a parser may quote what it read, and that is a key.
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read as a key file';
    return wrong(`GOOGLE_APPLICATION_CREDENTIALS: ${path} ${why}`, HOW);
  }
  const { protocol, hostname } = new URL(file.token_uri);
  if (protocol !== 'https:' && !/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname))
    return wrong(`token_uri of ${path} is not https`, 'take a new key file from Google');
  const exchange = async (): Promise<Result<string>> => {
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: signedJwt(file, key, Math.floor(components.wallNowMs() / 1000)),
    });
    return askText(file.token_uri, { method: 'POST', body }, CALL_MS_MAX);
  };
  return ok(cached(file.project_id ?? null, exchange, components));
}

/** RFC 7515 compact form, RFC 7523 claims. */
function signedJwt({ client_email, private_key_id, token_uri }: z.infer<typeof keyFileSchema>, key: KeyObject, nowS: number): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = { alg: 'RS256', typ: 'JWT', ...(private_key_id === undefined ? {} : { kid: private_key_id }) };
  const claims = { iss: client_email, scope: SCOPE, aud: token_uri, iat: nowS, exp: nowS + JWT_S };
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

async function askText(url: string, init: RequestInit, msMax: number): Promise<Result<string>> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(msMax), redirect: 'error' });
    const text = (await answer.text()).slice(0, ANSWER_BYTES_MAX);
    if (answer.ok) return ok(text);
    return wrong(`${new URL(url).host} answered ${answer.status}: ${reasonOf(text)}`, refusedHint(text));
  } catch (error) {
    const { message, cause } = error as Error;
    return wrong(`${new URL(url).host}: ${cause instanceof Error ? cause.message : message}`, HOW);
  }
}

function reasonOf(text: string): string {
  try {
    const { error, error_description } = JSON.parse(text) as Record<string, unknown>;
    return [error, error_description].filter((each) => typeof each === 'string').join(': ') || 'no reason given';
  } catch {
    return 'no reason given';
  }
}

/** RFC 6749, 5.2: `invalid_grant` is a key that is gone, or a clock that is wrong. */
const refusedHint = (text: string): string =>
  text.includes('invalid_grant') ? "compare this machine's clock with the time of day; then make a new key for the service account" : HOW;

function cached(project: string | null, exchange: () => Promise<Result<string>>, { wallNowMs }: CloudComponents): TokenSource {
  let held: { token: string; untilMs: number } | null = null;
  let asking: Promise<Result<string>> | null = null;
  const ask = async (): Promise<Result<string>> => {
    const askedMs = wallNowMs();
    const answer = await exchange();
    if (!answer.ok) return answer;
    const parsed = tokenSchema.safeParse(jsonOf(answer.value));
    if (!parsed.success) return wrong('the answer for a token has no token', HOW);
    held = { token: parsed.data.access_token, untilMs: askedMs + parsed.data.expires_in * 1000 };
    return ok(held.token);
  };
  return {
    project,
    async token() {
      if (held !== null && held.untilMs - SLACK_MS > wallNowMs()) return ok(held.token);
      asking ??= ask().finally(() => {
        asking = null;
      });
      return asking;
    },
    forget(token) {
      if (held?.token === token) held = null;
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
