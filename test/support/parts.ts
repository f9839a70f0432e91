// System parts that a test needs and a machine may lack. A test asks with `needs`, and is skipped with the reason in its
// title when a part is missing; in CI the same question throws, because there a missing part is a failure, not a skip.
//
//   const sipp = needs('sipp');
//   describe.skipIf(sipp.isMissing)(sipp.title('exec supervises SIPp'), () => { ... });

import { isCi } from '../../node/adapters/environment.ts';
import { findExecutable } from '../../node/commands/doctor-parts.ts';

export type SystemPart = 'sipp' | 'python3' | 'setpriv' | 'kamailio' | 'tshark' | 'nft' | 'chromium' | 'prometheus' | 'curl';

export interface Need {
  isMissing: boolean;
  /** Why the test is skipped; empty when nothing is missing. */
  reason: string;
  /** The test's title, with the reason when there is one: the reporter shows it beside the skipped test. */
  title: (title: string) => string;
}

/** The answer for given facts; `needs` asks the machine. Throws in CI, so that the file's tests fail instead of vanishing. */
export function needOf(missing: readonly string[], isInCi: boolean): Need {
  const reason = missing.length === 0 ? '' : `${missing.join(' and ')} not found; quilt-swarm doctor --install may install it`;
  if (reason !== '' && isInCi) throw new Error(`a part that this test needs is missing in CI: ${reason}`);
  return { isMissing: reason !== '', reason, title: (title) => (reason === '' ? title : `${title} (skipped: ${reason})`) };
}

export function needs(...parts: SystemPart[]): Need {
  return needOf(
    parts.filter((part) => findExecutable(part) === undefined),
    isCi(),
  );
}
