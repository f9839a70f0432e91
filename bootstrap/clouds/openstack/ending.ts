// Ends machines of a run and, when none is left, gives back what was made around them: floating addresses at once, the group when the last port of its machines is gone. Only what
// carries the run's marks is touched: ids are compared to the list first. Machines that powered themselves off or failed are deleted too, because they are billed
// or hold quota. Ending what has ended, or what is being ended by somebody else at the same time, is no error.

import type { Refusal, TerminateOutcome } from '../../cloud.ts';
import { remove } from './launching.ts';
import { type ListedServer, listServers, type Place } from './place.ts';
import { refusal } from './refusals.ts';
import { removeCredentials } from './self-end.ts';
import { isAlive } from './server.ts';
import { giveBack } from './surroundings.ts';

const LOOK_MS = 2_000;
/** Machines take seconds to go, at a busy provider a minute or two. */
const LOOKS_MAX = 60;

export async function endRun(place: Place, runId: string, ids: readonly string[]): Promise<TerminateOutcome> {
  const listed = await listServers(place, runId);
  if (!listed.ok) return { ended: [], refusals: [listed.refusal] };
  const chosen = listed.value.filter(({ id, instance }) => ids.includes(id) || !isAlive(instance));
  const answers = await Promise.all(
    chosen.map(async (server) => ({ server, answer: server.isDeleting ? null : await remove(place, server.id, server.name) })),
  );
  const ended = answers.filter(({ answer }) => answer === null || answer.ok).map(({ server }) => server.id);
  const refusals = answers.flatMap(({ answer }) => (answer === null || answer.ok ? [] : [answer.refusal]));
  if (listed.value.some(({ id }) => !ended.includes(id))) return { ended, refusals };
  const left = ended.length === 0 ? [] : await whenGone(place, runId);
  // What has not gone holds the group: the caller has to come again.
  if (left.length > 0) return { ended, refusals: left };
  return { ended, refusals: [...(await removeCredentials(place, runId)), ...(await giveBack(place, runId))] };
}

async function whenGone(place: Place, runId: string): Promise<readonly Refusal[]> {
  for (let look = 1; ; look++) {
    const listed = await listServers(place, runId);
    if (!listed.ok) return [listed.refusal];
    const left = listed.value.filter(({ instance }) => instance.state !== 'gone');
    const failed = left.filter(({ isDeleting, status }) => !isDeleting && status === 'ERROR');
    if (left.length === 0 || failed.length > 0 || look === LOOKS_MAX)
      return (failed.length > 0 ? failed : left).map((server) => leaving(place, server));
    await place.components.sleep(LOOK_MS);
  }
}

const leaving = ({ vendor }: Place, { name, status }: ListedServer): Refusal =>
  refusal(
    vendor,
    'vendor',
    `${name} has not gone: it is ${status}`,
    'quilt-swarm reap tries again; if that does not help, the provider must delete it',
  );
