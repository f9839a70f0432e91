// Assertions that stay on in production: a broken invariant ends the process with exit code 1 rather than producing a wrong report.

export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Throws AssertionFailure when `condition` is false. For programmer errors only; user errors are Problem values. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** The default branch of a switch over a union: the type checker proves that it cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`);
}
