// Where an output over HTTP sends to and what it says of itself: the URL of the flag, and headers from the environment in OpenTelemetry's form (`name=value,name=value`, values
// percent-encoded). Credentials are never in a flag, which everybody on a machine can read and which goes to other machines.

import { fail, ok, type Problem, type Result } from '../core/errors.ts';

const problem = (message: string, hint: string): { readonly ok: false; readonly problems: readonly Problem[] } =>
  fail({ code: 'QUILT_OUT', message, hint });

export function outputUrl(name: string, text: string): Result<URL> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return problem(`--out ${name}=${text} is not an http(s) address`, `--out ${name}=https://metrics.example.com/...`);
  }
  if (url.username !== '' || url.password !== '') {
    // The text is not shown again: it holds the password.
    return problem(
      `--out ${name}: credentials do not belong into the address`,
      'put an Authorization header into the environment (node/outputs/README.md)',
    );
  }
  return ok(url);
}

/** `variable`: which one it is from, for the problem. */
export function headersOf(variable: string, text: string | undefined): Result<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const part of (text ?? '').split(',')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim().toLowerCase();
    const value = decoded(part.slice(at + 1).trim());
    // The value is not shown: it is a secret.
    if (at < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || value === null || /[\r\n\0]/.test(value)) {
      return problem(`${variable} holds something that is no header`, `${variable}='authorization=Bearer%20TOKEN,x-scope=team'`);
    }
    headers[name] = value;
  }
  return ok(headers);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
