// Where a console listens, and by what right: the rules that `console --listen` and `--console` of the verbs that run nodes share. Elsewhere than on loopback others can read along, so it
// wants a certificate there, or the word that the line is safe already.

import { readFileSync } from 'node:fs';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { ConsoleOptions } from './console-server.ts';
import type { ListenPlace } from './finish.ts';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

export interface ListenFlags {
  readonly listen: ListenPlace;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** `prefix`: of the flags that the hints name. Problem: QUILT_CONSOLE_TLS. */
export function tlsOf({ listen, tlsCert, tlsKey, insecure }: ListenFlags, prefix = '--'): Result<ConsoleOptions['tls']> {
  const refuse = (message: string, hint?: string): Result<never> => {
    const problem: Problem = { code: 'QUILT_CONSOLE_TLS', message };
    return fail(hint === undefined ? problem : { ...problem, hint });
  };
  if (tlsCert !== undefined && tlsKey !== undefined) {
    try {
      return ok({ cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') });
    } catch (error) {
      return refuse(`certificate or key cannot be read: ${(error as Error).message}`, 'both are PEM files');
    }
  }
  if ((tlsCert ?? tlsKey) !== undefined) return refuse('certificate and key go together', `${prefix}tls-cert FILE ${prefix}tls-key FILE`);
  if (LOOPBACK.test(listen.host) || insecure === true) return ok(null);
  return refuse(
    `on ${listen.host} others can read along`,
    `${prefix}tls-cert and ${prefix}tls-key, or ${prefix}insecure when the line is safe already (ssh -L needs none of it)`,
  );
}
