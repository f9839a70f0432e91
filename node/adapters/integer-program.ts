// Solves small integer programmes with HiGHS, the open solver of the University of Edinburgh, as WebAssembly (package `highs`). The only home of that package. Its 3.5 MB are
// read when somebody asks for the first solution, never at start: no node of a swarm needs it. A solution counts only when it is proven to be the best; the time is
// bounded, and since solving blocks this thread, so is the wait of everybody else. What the programme means is the caller's (bootstrap/cheapest-mix.ts).

import type { HighsSolution } from 'highs';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';

const SOLVE_S_MAX = 20;

interface Solver {
  solve(lpText: string, options: Readonly<Record<string, number | boolean>>): HighsSolution;
}
let loading: Promise<Solver> | null = null;

async function load(): Promise<Solver> {
  const { default: start } = await import('highs');
  // The package's types say CommonJS, and what `import` gets is its ES module.
  return (start as unknown as () => Promise<Solver>)();
}

/** `lpText` in CPLEX LP format. Null = infeasible. Problem: QUILT_SOLVER_FAILED, QUILT_SOLVER_SLOW. */
export async function solveIntegerProgram(lpText: string): Promise<Result<ReadonlyMap<string, number> | null>> {
  try {
    loading ??= load();
    const solver = await loading;
    // Without gaps: the default stops at 0.01 % above the best.
    const solution = solver.solve(lpText, { time_limit: SOLVE_S_MAX, mip_rel_gap: 0, mip_abs_gap: 0, output_flag: false });
    if (solution.Status === 'Infeasible') return ok(null);
    if (solution.Status === 'Optimal') return ok(new Map(Object.entries(solution.Columns).map(([name, { Primal }]) => [name, Primal])));
    if (solution.Status === 'Time limit reached') return fail(SLOW);
    return fail(failed(`it ended with '${solution.Status}'`));
  } catch (error) {
    loading = null;
    return fail({
      code: 'QUILT_SOLVER_FAILED',
      message: `the solver failed: ${(error as Error).message}`,
      hint: 'npm install, then try again',
    });
  }
}

const SLOW: Problem = {
  code: 'QUILT_SOLVER_SLOW',
  message: `no proven solution after ${SOLVE_S_MAX} s`,
  hint: 'offer fewer types or regions',
};
const failed = (why: string): Problem => ({
  ...{ code: 'QUILT_SOLVER_FAILED', message: `the solver failed: ${why}` },
  hint: 'choose the machines by hand with --on; after npm ci the solver is whole again',
});
