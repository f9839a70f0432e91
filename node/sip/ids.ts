// The identifiers a stack gives: branches, tags, Call-IDs. Each is a part drawn once for the stack (so that two stacks never agree), a part drawn now
// where it must not be guessed (RFC 3261, 19.3: tags have at least 32 random bits) and a running number (so that they never repeat). A call takes five
// of them: digits come from a table, because a number's toString in base 36 takes as long as parsing a header.

import { BRANCH_COOKIE } from '../wire/sip/via.ts';

export interface Ids {
  readonly branch: () => string;
  readonly tag: () => string;
  readonly callId: () => string;
}

const DIGITS = '0123456789abcdefghijklmnopqrstuv';
/** Ten bits each. */
const pairs: readonly string[] = Array.from({ length: 1024 }, (_, value) => `${DIGITS[value >>> 5]}${DIGITS[value & 31]}`);

/** 32 bits as seven digits. */
const digitsOf = (value: number): string =>
  (pairs[value >>> 22] as string) + (pairs[(value >>> 12) & 1023] as string) + (pairs[(value >>> 2) & 1023] as string) + DIGITS[value & 3];

export function createIds(random: () => number): Ids {
  const word = (): string => digitsOf((random() * 2 ** 32) >>> 0);
  const stack = word() + word();
  let branchStart = `${BRANCH_COOKIE}${stack}-`;
  let given = 0;
  const number = (): string => {
    given = (given + 1) >>> 0;
    // Once in a day of 10,000 calls a second: what follows is as another stack's.
    if (given === 0) branchStart = `${BRANCH_COOKIE}${word()}${word()}-`;
    return digitsOf(given);
  };
  return {
    branch: () => {
      const running = number();
      return branchStart + running;
    },
    tag: () => `${word()}-${number()}`,
    callId: () => `${word()}-${number()}-${stack}`,
  };
}
