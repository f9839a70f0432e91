// Finds the node that a command means - a run folder, a node's data folder, a ticket, or nothing for the latest run here - and asks it. A local node
// is asked over its socket; a ticket makes this process a client of the mesh for as long as the question takes.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeTicket } from '../../bootstrap/ticket.ts';
import { wallNowMs } from '../adapters/clock.ts';
import { makeIdentity } from '../adapters/identity.ts';
import { createMesh } from '../adapters/mesh.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { askControl, type ControlAnswer, type ControlRequest, socketPathOf } from '../runtime/control.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';

export interface ControlTarget {
  /** Folder to look for the operator's key and the summary in; null for a ticket. */
  readonly folder: string | null;
  ask(request: ControlRequest): Promise<Result<ControlAnswer>>;
  close(): Promise<void>;
}

export const RUNS_FOLDER = 'runs';

/** Newest run below `runs`, by the link or, where there are no links, by name (names begin with the time). */
export function latestRun(): string | null {
  const latest = join(RUNS_FOLDER, 'latest');
  if (existsSync(latest)) return latest;
  if (!existsSync(RUNS_FOLDER)) return null;
  const names = readdirSync(RUNS_FOLDER).filter((name) => statSync(join(RUNS_FOLDER, name)).isDirectory());
  const last = names.sort().at(-1);
  return last === undefined ? null : join(RUNS_FOLDER, last);
}

/** Sockets of nodes in this folder: its own, the seed's, any other's. */
function socketsIn(folder: string): string[] {
  const nodesFolder = join(folder, RUN_FILES.nodes);
  const nodes = existsSync(nodesFolder) ? readdirSync(nodesFolder).sort((a, b) => Number(b === 'seed') - Number(a === 'seed')) : [];
  return [folder, ...nodes.map((node) => join(nodesFolder, node))].map(socketPathOf).filter((path) => existsSync(path));
}

const overProblem = (folder: string): Problem => ({
  code: 'QUILT_RUN_OVER',
  message: `no node of ${folder} is running`,
  hint: existsSync(join(folder, RUN_FILES.summary))
    ? `the run is over: see ${join(folder, RUN_FILES.summaryText)}`
    : 'start one with quilt-swarm run or seed',
});

/** Nodes in a folder of this machine. */
export function localTarget(folder: string): ControlTarget {
  return {
    folder,
    async ask(request) {
      for (const path of socketsIn(folder)) {
        const answer = await askControl(path, request);
        if (answer.ok) return answer;
      }
      return fail(overProblem(folder));
    },
    close: async () => {},
  };
}

const refuseAll = { gossip: () => {}, message: () => {}, peerUp: () => {}, peerDown: () => {} };

async function meshTarget(text: string): Promise<Result<ControlTarget>> {
  const ticket = decodeTicket(text, wallNowMs());
  if (!ticket.ok) return ticket;
  const { swarmId, swarmKey, seeds } = ticket.value;
  const request = () => Promise.reject(new Error('a client answers nothing'));
  const mesh = await createMesh({
    privateKey: makeIdentity().seed,
    swarmKey,
    swarmId,
    listen: [],
    seeds,
    handlers: { ...refuseAll, request },
  });
  if (!mesh.ok) return mesh;
  return ok({
    folder: null,
    async ask(question) {
      const problems: Problem[] = [];
      for (const seed of seeds) {
        const peer = seed.slice(seed.lastIndexOf('/p2p/') + '/p2p/'.length);
        const dialled = await mesh.value.dial(peer, [seed]);
        const answer = dialled.ok ? await mesh.value.request(peer, 'control', new TextEncoder().encode(JSON.stringify(question))) : dialled;
        if (answer.ok) return ok(JSON.parse(new TextDecoder().decode(answer.value)) as ControlAnswer);
        problems.push(...answer.problems);
      }
      return fail(...problems);
    },
    close: () => mesh.value.stop(),
  });
}

export async function findTarget(where: string | undefined): Promise<Result<ControlTarget>> {
  if (where?.startsWith('quilt')) {
    if (!existsSync(where)) return meshTarget(where);
  }
  const folder = where ?? latestRun();
  if (folder === null) {
    return fail({ code: 'QUILT_NO_RUN', message: `there is no run in ${RUNS_FOLDER}/ here`, hint: 'name a run folder or give a ticket' });
  }
  if (!existsSync(folder))
    return fail({ code: 'QUILT_NO_RUN', message: `there is no run folder ${folder}`, hint: 'give a run folder or a whole ticket' });
  return ok(localTarget(folder));
}

/** The answer's value, or why there is none. */
export async function askFor<T>(target: ControlTarget, request: ControlRequest): Promise<Result<T>> {
  const answer = await target.ask(request);
  if (!answer.ok) return answer;
  if (!answer.value.ok) return fail({ code: answer.value.code as Problem['code'], message: answer.value.message });
  return ok(answer.value.value as T);
}
