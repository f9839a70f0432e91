// What the end of a SIPp process means: nothing, the target's doing, or the generator's. Exit code 1 stands both for "a call failed" and for a scenario
// file that cannot be read, and 255 both for a lost TCP connection and for SIPp's own trouble; statistics and SIPp's own words tell them apart.

import type { ProgramEnd } from '../../programs/program.ts';

export interface Outcome {
  readonly side: 'target' | 'generator';
  readonly cause: string;
  readonly example: string;
}

export interface LastState {
  /** It was told to finish. */
  readonly isAsked: boolean;
  readonly failedCalls: number;
  /** The first error on its stderr, '' when there is none. */
  readonly error: string;
}

const EXHAUSTED = /too many open files|cannot assign requested address|no buffer space|cannot allocate memory/i;
const NETWORK: readonly (readonly [RegExp, string])[] = [
  [/connection refused/i, 'connect-refused'],
  [/connection reset|broken pipe|closed the socket|reconnections/i, 'reset'],
  [/timed out/i, 'connect-timeout'],
  [/no route to host|network is unreachable/i, 'unreachable'],
  [/unknown remote host/i, 'dns'],
];
/** Exit codes of 3.6.1: all calls good; a call failed; left on a command; left without a call. */
const ENDS_IN_ORDER = new Set([0, 1, 97, 99]);

/** Null for an end in order. Killing on purpose is not asked about here. */
export function outcomeOf(end: ProgramEnd, { isAsked, failedCalls, error }: LastState): Outcome | null {
  if (!end.isStarted) return { side: 'generator', cause: 'simulator-not-started', example: end.how };
  const { code } = end;
  if (code === 0 || (code === 1 && failedCalls > 0) || (isAsked && ENDS_IN_ORDER.has(code ?? -1) && error === '')) return null;
  const example = error === '' ? `sipp ended: ${end.how}` : `${error} (${end.how})`;
  if (EXHAUSTED.test(error)) return { side: 'generator', cause: 'sockets-exhausted', example };
  const network = NETWORK.find(([pattern]) => pattern.test(error));
  if (code === 255 && network !== undefined) return { side: 'target', cause: network[1], example };
  return { side: 'generator', cause: 'simulator-crashed', example };
}

/** The first error in what SIPp printed on stderr: lines begin with a date, its seconds since 1970 and a colon, sometimes after a progress message. */
export const firstErrorIn = (stderr: string): string => /\d{10}\.\d{6}: ([^\n]+)/.exec(stderr)?.[1]?.trim() ?? '';
