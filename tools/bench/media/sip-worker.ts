// Calls by the `sip` endpoint type in a real worker process, as a node runs it: set up with a scenario, given all shards of one claim, its deltas read. The
// node is left out, and with it grants that end and claims that move.

import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { makePlan } from '../../../node/core/plan.ts';
import { loadEndpointTypes } from '../../../node/runtime/registry.ts';
import { WORKER_FLAGS } from '../../../node/runtime/worker-process.ts';
import type { FromWorker, ToWorker } from '../../../node/runtime/worker-protocol.ts';
import { parseScenario } from '../../../scenarios/parse.ts';
import type { Tally } from './deltas.ts';
import type { Profile } from './engine-load.ts';
import { HOST, type Lab, message, type Program } from './lab.ts';

export interface SipWorkerInit {
  readonly calls: number;
  /** Of the server that is called; the host is the lab's. */
  readonly uasPort: number;
  /** Where its answers send the media, when that is another port. */
  readonly mediaPorts: readonly number[];
  readonly rampS: number;
  readonly audio: Extract<Profile, 'audio-80k'> | false;
  readonly localPorts: 'shared' | 'own';
  readonly nodeFlags?: readonly string[];
}

const SCENARIO_FILE = 'bench-calls.yaml';
const GRANT_MS = 600_000;

function scenarioOf({ calls, uasPort, rampS, audio, localPorts }: SipWorkerInit): string {
  const behavior = {
    server: `sip:${HOST}:${uasPort}`,
    call: `sip:service@${HOST}:${uasPort}`,
    media: { audio, ports: localPorts },
    do: [{ talk: '1h' }],
  };
  const load = { endpoints: calls, shape: [{ ramp: '100%', over: `${rampS}s` }, { hold: '1h' }] };
  return JSON.stringify({ name: 'bench-calls', groups: { phones: { type: 'sip', load, behavior } } });
}

/** Throws when not nearly all calls stand: then nothing that is measured means anything. */
export function requireStanding(tally: Tally, calls: number): void {
  const standing = tally.level('sip_calls_active');
  if (standing < calls * 0.99) throw new Error(`of ${calls} calls ${standing} stand: ${JSON.stringify(tally.errors.slice(0, 3))}`);
}

/** Resolves when the worker has its load; the calls then come up over the ramp. */
export async function startSipWorker(lab: Lab, init: SipWorkerInit): Promise<Program> {
  const scenarioText = scenarioOf(init);
  const types = await loadEndpointTypes();
  const parsed = parseScenario(scenarioText, SCENARIO_FILE, { endpointTypes: [...types.values()] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const program = lab.fork('generator', 'node/runtime/worker.ts', [...WORKER_FLAGS, ...(init.nodeFlags ?? [])]);
  const send = (order: ToWorker): boolean => program.child.send(order);
  const ready = message(program, (received) => {
    const answer = received as FromWorker;
    if (answer.type === 'setup-failed') throw new Error(answer.message);
    return answer.type === 'ready' ? true : null;
  });
  send({
    type: 'setup',
    scenarioText,
    scenarioFile: SCENARIO_FILE,
    scenarioFolder: lab.folder,
    variables: {},
    targets: [init.uasPort, ...init.mediaPorts].map((port) => `${HOST}:${port}`),
    workFolder: lab.folder,
    workerIndex: 0,
  });
  await ready;
  const t0Ms = monotonicNowMs();
  send({ type: 'grant', untilMs: t0Ms + GRANT_MS });
  for (const shard of makePlan(parsed.value).shards) {
    send({ type: 'load', id: `${shard.id}.1`, shard, t0Ms, fromMs: 0, restartRatePerS: 1000, scales: [] });
  }
  return program;
}
