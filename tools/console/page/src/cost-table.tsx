// What a launch would cost, vendor by vendor, as `plan --on` reckons it: machines, addresses, traffic; and what has no price and comes on top.

import type { CostView, ProblemView } from '../../protocol.ts';
import { Text } from './parts.tsx';
import { Grid } from './report.tsx';
import { formatClock, formatCount, formatUsd } from './text.ts';

export function CostTable({ cost }: { cost: CostView }) {
  const { vendors, totalUsd, usdPerHour, runMs, missing, notes } = cost;
  const rows = vendors.map(({ cloud, machines, machinesUsd, addressesUsd, trafficUsd, totalUsd: sum }) => [
    ...[cloud, formatCount(machines)],
    ...[sum, machinesUsd, addressesUsd, trafficUsd].map(formatUsd),
  ]);
  const isFree = totalUsd === 0 && missing.length === 0;
  return (
    <div class="cost">
      <p>
        {isFree ? (
          'Nobody is paid for these machines.'
        ) : (
          <>
            About <strong>{formatUsd(totalUsd)}</strong> for {formatClock(runMs)} of each machine, {formatUsd(usdPerHour)} an hour
            {missing.length > 0 && ', and what has no price'}.
          </>
        )}
      </p>
      {missing.map((what) => (
        <p key={what} class="warn">
          Not known: <Text text={what} max={200} />
        </p>
      ))}
      <Grid caption="Cost by vendor" head={['Vendor', 'Count', 'Total', 'Machines', 'Addresses', 'Traffic']} rows={rows} />
      {!isFree &&
        notes.map((note) => (
          <p key={note} class="dim note">
            <Text text={note} max={60} />
          </p>
        ))}
    </div>
  );
}

/** Why `launch` would refuse. */
export function Refusals({ problems }: { problems: readonly ProblemView[] }) {
  if (problems.length === 0) return null;
  return (
    <ul class="troubles" aria-label="Why it would be refused">
      {problems.map(({ code, message, hint }) => (
        <li key={`${code} ${message}`} class="bad">
          <Text text={message} max={300} />
          {hint !== null && (
            <p class="dim">
              <Text text={hint} max={300} />
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
