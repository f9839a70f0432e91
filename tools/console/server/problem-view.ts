// A problem as the page gets it: every field there, and null where there is nothing to say.

import type { Problem } from '../../../node/core/errors.ts';
import type { ProblemView } from '../protocol.ts';

export const problemView = ({ code, message, hint, line, column, key }: Problem): ProblemView => ({
  ...{ code, message, hint: hint ?? null, line: line ?? null, column: column ?? null, key: key ?? null },
});
