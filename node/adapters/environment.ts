// The process environment, and (beside main) the only place that reads it. Callers ask for one variable by name, so that
// what quilt-swarm takes from its surroundings can be found by looking for these calls. An empty variable counts as not
// set: `QUILT_X= quilt-swarm run` is how a shell unsets one for a single command.

/** The variable's value, or undefined when it is missing or empty. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}

/** All QUILT_* variables that are set, sorted by name: the layer between scenario and flags (DESIGN 8). */
export function quiltVariables(): Array<{ name: string; value: string }> {
  const found: Array<{ name: string; value: string }> = [];
  for (const name of Object.keys(process.env).sort()) {
    const value = name.startsWith('QUILT_') ? environmentVariable(name) : undefined;
    if (value !== undefined) found.push({ name, value });
  }
  return found;
}

/** A copy of the environment for a child process: everything the parent has, then the additions. */
export function childEnvironment(additions: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  return { ...process.env, ...additions };
}

/** Takes a secret out of the environment once it was read, so that no child process inherits it. */
export function forgetVariable(name: string): void {
  delete process.env[name];
}

/** True under continuous integration: a missing part is then a failure, not a skip. */
export function isCi(): boolean {
  const value = environmentVariable('CI');
  return value !== undefined && value !== 'false' && value !== '0';
}

/** The NO_COLOR convention (no-color.org): set to anything but the empty string means no colour. */
export function isColorForbidden(): boolean {
  return environmentVariable('NO_COLOR') !== undefined;
}
