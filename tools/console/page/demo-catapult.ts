// The demo's part of Catapult that has to do with rented machines: clouds with and without credentials, what a launch would cost, how a past run was started, a launch at work or one that failed.

import type { AgainView, CloudRow, CostView, LiveMessage, MachinesPlan, MachinesRequest, ShareView } from '../protocol.ts';

const DEMO_LAUNCH =
  'quilt-swarm launch spike.yaml --on aws:eu-central-1:c7i.large=6 --on gce:europe-west3:e2-standard-4=3 --host 203.0.113.7';

const credentials = (message: string, hint: string) => ({ code: 'QUILT_CREDENTIALS', message, hint, line: null, column: null, key: null });

const clouds = (hostile: string): readonly CloudRow[] => [
  { name: 'local', summary: 'process groups on this computer, to try a launch for nothing', hasSpot: false, regions: [], problem: null },
  {
    ...{ name: 'aws', summary: 'Amazon EC2', hasSpot: true, problem: null },
    regions: [
      { region: 'eu-central-1', machineTypes: ['c7i.large', 'c7i.xlarge', 'm7i.large'] },
      { region: 'us-east-1', machineTypes: ['c7i.large', 'c6i.large'] },
    ],
  },
  {
    ...{ name: 'gce', summary: 'Google Compute Engine', hasSpot: true },
    regions: [{ region: 'europe-west3', machineTypes: ['e2-standard-4', 'n2-standard-8'] }],
    problem: credentials(
      `no key file, and no metadata server${hostile}`,
      'set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account',
    ),
  },
];

const HOURLY_USD: Readonly<Record<string, number>> = { aws: 0.107, gce: 0.151, local: 0 };

function costOf(on: readonly string[]): CostView {
  const rows = on.map((word) => ({ cloud: word.split(':')[0] ?? '', machines: Number(/=(\d+)/.exec(word)?.[1] ?? 1) }));
  const known = rows.filter(({ cloud }) => HOURLY_USD[cloud] !== undefined);
  const vendors = known.map(({ cloud, machines }) => {
    const machinesUsd = machines * (HOURLY_USD[cloud] ?? 0) * 0.19;
    const [addressesUsd, trafficUsd] = machinesUsd === 0 ? [0, 0] : [machines * 0.005, machines * 0.021];
    return { cloud, machines, machinesUsd, addressesUsd, trafficUsd, totalUsd: machinesUsd + addressesUsd + trafficUsd };
  });
  const totalUsd = vendors.reduce((sum, vendor) => sum + vendor.totalUsd, 0);
  const missing = rows.filter((row) => HOURLY_USD[row.cloud] === undefined).map(({ cloud }) => `no price table for ${cloud}`);
  return {
    ...{ vendors, totalUsd, usdPerHour: totalUsd * 4, runMs: 660_000, missing, notes: ['prices of aws as of 2025-01-01'] },
    lines: [`cost        about ${totalUsd.toFixed(4)} USD`],
  };
}

export function demoMachines({ on, mix, host }: MachinesRequest): MachinesPlan {
  const words = mix.length > 0 ? mix.map((place) => `${place}:c7i.large=4`) : on;
  const isFar = words.some((word) => !word.startsWith('local:'));
  const problems =
    isFar && host === null
      ? [credentials('rented machines must reach this one: under which address?', '--host with the public address or name')]
      : [];
  return { on: words, cost: costOf(words), problems };
}

/** What the routes of launch-routes.ts and of sharing answer; null = it is another route. */
export function demoRented(path: string, method: string, hostile: string): unknown {
  if (path === 'clouds') return clouds(hostile);
  if (path === 'share')
    return {
      link: 'https://console.example:7717/login#XmPqTzW2c0aYbN4rQ1sV8dKe',
      command: 'quilt-swarm console --share',
    } satisfies ShareView;
  if (!path.endsWith('/again')) return null;
  const isLaunch = path.includes('-27T');
  const on = ['aws:eu-central-1:c7i.large=6', 'gce:europe-west3:e2-standard-4=3'];
  const command = isLaunch ? DEMO_LAUNCH : 'quilt-swarm run rush-hour.yaml -n 3 -e callers=900';
  if (method === 'POST') return { command };
  const machines = { on, mix: [], spotSharePercent: 0, host: '203.0.113.7', maxCostUsd: null };
  const variables: Record<string, string> = isLaunch ? {} : { callers: '900' };
  const request = { path: 'spike.yaml', variables, nodes: 3 };
  const again: AgainView = {
    ...{
      command,
      request: isLaunch ? { ...request, machines } : request,
      more: isLaunch ? ['--tag', `team=${hostile}`] : [],
      problems: [],
    },
    ...{ isChanged: !isLaunch, cost: isLaunch ? costOf(on) : null },
  };
  return again;
}

export function demoStarted(state: 'launching' | 'failed', hostile: string): LiveMessage {
  const isRunning = state === 'launching';
  const said = isRunning
    ? [
        'launching 9 machines: aws eu-central-1 6, gce europe-west3 3',
        `9 machines are starting; if this program dies: quilt-swarm reap r7f3a2c${hostile}`,
      ]
    : [
        `aws eu-central-1: c7i.large has no capacity${hostile}`,
        'QUILT_LAUNCH_SHORT: run r7f3a2c got 2 machines and needs 9; what had been launched was ended again',
      ];
  const started = {
    command: `${DEMO_LAUNCH} --yes`,
    verb: 'launch' as const,
    isRunning,
    exitCode: isRunning ? null : 113,
    said,
    run: null,
  };
  return { type: 'started', started: { ...started, hasFailed: !isRunning } };
}
