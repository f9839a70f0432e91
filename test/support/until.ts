// Waiting for something that other parties do: polls a predicate and fails with its description when the bound has passed. The bound only says
// when to give up on a broken program; no test passes or fails by how fast the machine is.

export async function until(what: string, predicate: () => boolean | Promise<boolean>, boundMs = 20_000): Promise<void> {
  const stepMs = 10;
  for (let waitedMs = 0; waitedMs < boundMs; waitedMs += stepMs) {
    if (await predicate()) return;
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
  throw new Error(`gave up after ${boundMs} ms waiting until ${what}`);
}
