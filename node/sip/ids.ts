// The identifiers a stack gives: branches, tags, Call-IDs. Each is a part drawn once for the stack (so that two stacks never agree), a part drawn now
// where it must not be guessed (RFC 3261, 19.3: tags have at least 32 random bits) and a running number (so that they never repeat).

import { BRANCH_COOKIE } from '../wire/sip/via.ts';

export interface Ids {
  readonly branch: () => string;
  readonly tag: () => string;
  readonly callId: () => string;
}

export function createIds(random: () => number): Ids {
  const word = (): string => Math.floor(random() * 2 ** 32).toString(36);
  const stack = `${word()}${word()}`;
  const branchStart = `${BRANCH_COOKIE}${stack}-`;
  let given = 0;
  return {
    branch: () => branchStart + (given++).toString(36),
    tag: () => `${word()}-${(given++).toString(36)}`,
    callId: () => `${word()}-${(given++).toString(36)}-${stack}`,
  };
}
