// Why the button that starts the run is off, in words beside it: who cannot see that it is pale, or what stands red further up, still knows what to mend.

import type { PlanView } from '../../protocol.ts';

const LINES_MAX = 5;

export function WhyNotStarted({ plan }: { plan: PlanView | null }) {
  if (plan === null || (plan.ok && plan.unplaceable.length === 0)) return null;
  return <span class="bad">Cannot start: {plan.ok ? 'some of the load has no place, the plan says why' : wordsOf(plan)}.</span>;
}

function wordsOf({ problems }: Extract<PlanView, { ok: false }>): string {
  const lines = [...new Set(problems.flatMap(({ line }) => line ?? []))].sort((left, right) => left - right);
  const count = problems.length === 1 ? 'the scenario has a problem' : `the scenario has ${problems.length} problems`;
  if (lines.length === 0) return count;
  const named = lines.slice(0, LINES_MAX).join(', ');
  return `${count}, in line ${named}${lines.length > LINES_MAX ? ` and ${lines.length - LINES_MAX} more` : ''}`;
}
