// All machines of one run, over all vendors: validated together before money is spent, launched at once, rolled back when they do not suffice, ended
// together. Before the first call to a vendor the journal knows where machines of the run may be, so that a launcher that dies at any moment leaves
// enough behind for `reap`. Vendors may list a new machine late: ending looks again until nothing has been listed for several looks. What one vendor
// does is its own file (cloud.ts is the contract); what the machines do after they booted is not known here.

import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import type { Cloud, Instance, LaunchOrder, LaunchOutcome, Refusal } from './cloud.ts';

export interface FleetPart {
  /** As in `--on`. */
  readonly cloud: string;
  readonly order: LaunchOrder;
}

/** Where machines of a run may be. */
export interface FleetPlace {
  readonly cloud: string;
  readonly region: string;
}

/** What must be on disk before the first call: enough to find and end everything. */
export interface FleetRecord {
  readonly runId: string;
  readonly expiresWallMs: number;
  readonly places: readonly FleetPlace[];
}

export interface FleetJournal {
  /** Returns when it is on disk; throws when it cannot be written: then nothing is launched. */
  write(record: FleetRecord): void;
  /** Nothing of the run is left at any vendor. */
  forget(runId: string): void;
}

export interface FleetComponents {
  /** By the name in FleetPart. */
  readonly clouds: ReadonlyMap<string, Cloud>;
  readonly journal: FleetJournal;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Fleet {
  readonly record: FleetRecord;
  readonly instances: readonly Instance[];
  /** Why there are fewer than ordered; empty when there are not. */
  readonly refusals: readonly Refusal[];
}

/** A vendor that lists late is looked at this often in a row, empty each time, before its places count as clean. */
const EMPTY_LOOKS = 3;
/** Every look but the first waits. Vendors' lists lag by seconds; a longer wait only makes a rollback slower. */
const LOOK_MS = 2_000;
const LOOKS_MAX = 60;

export function recordOf(parts: readonly FleetPart[]): FleetRecord {
  const [first] = parts;
  if (first === undefined) throw new Error('a fleet has at least one part');
  const places = new Map(parts.map(({ cloud, order: { region } }) => [`${cloud}:${region}`, { cloud, region }]));
  const expiresWallMs = Math.max(...parts.map(({ order }) => order.expiresWallMs));
  return { runId: first.order.runId, expiresWallMs, places: [...places.values()] };
}

/**
 * Launches all parts at once. `instancesMin`: fewer are rolled back, and so is everything when `signal` aborts; the problems then say why, and what could
 * not be ended. Problems of validation mean that nothing was asked for.
 */
export async function launchFleet(
  components: FleetComponents,
  parts: readonly FleetPart[],
  instancesMin: number,
  signal: AbortSignal,
): Promise<Result<Fleet>> {
  const record = recordOf(parts);
  const wrong = (await Promise.all(parts.map(({ cloud, order }) => cloudOf(components, cloud).validate(order)))).flat();
  const taken = await alreadyThere(components, record);
  if (wrong.length + taken.length > 0) return fail(...wrong, ...taken);
  if (signal.aborted) return fail(interrupted(record.runId));
  components.journal.write(record);
  const outcomes = await Promise.all(parts.map((part) => launchPart(components, part, signal)));
  const instances = outcomes.flatMap((outcome) => outcome.instances);
  const refusals = outcomes.flatMap((outcome) => outcome.refusals);
  if (!signal.aborted && instances.length >= instancesMin) return ok({ record, instances, refusals });
  const left = await endFleet(components, record);
  const why = signal.aborted ? interrupted(record.runId) : tooFew(record.runId, instances.length, instancesMin);
  return fail(why, ...refusals, ...left);
}

/** A vendor file never throws for what a vendor does; if it does throw, its machines must still be rolled back with the others. */
async function launchPart(components: FleetComponents, { cloud, order }: FleetPart, signal: AbortSignal): Promise<LaunchOutcome> {
  try {
    return await cloudOf(components, cloud).launch(order, signal);
  } catch (error) {
    const message = `${cloud} ${order.region}: ${(error as Error).message}`;
    return {
      instances: [],
      refusals: [{ code: 'QUILT_CLOUD_BROKE', message, cause: 'vendor', hint: 'this is a fault of the cloud file' }],
    };
  }
}

/** A second launch of the same run id would share marks with the first, and the end of one would be the end of both. */
async function alreadyThere(components: FleetComponents, { runId, places }: FleetRecord): Promise<Problem[]> {
  const looked = await Promise.all(
    places.map(async ({ cloud, region }) => {
      const listed = await cloudOf(components, cloud).list({ region, runId });
      if (!listed.ok) return listed.problems;
      const alive = listed.value.filter(isAlive);
      if (alive.length === 0) return [];
      const message = `${cloud} ${region} has ${alive.length} machines of run ${runId} already`;
      return [{ code: 'QUILT_RUN_LAUNCHED' as const, message, hint: `quilt-swarm reap ${runId} ends them` }];
    }),
  );
  return looked.flat();
}

/** Ends every machine of the run at every place, and forgets the run when nothing is left. Answers what could not be ended. */
export async function endFleet(components: FleetComponents, record: FleetRecord): Promise<readonly Problem[]> {
  const left = (await Promise.all(record.places.map((place) => endPlace(components, place, record.runId)))).flat();
  if (left.length === 0) components.journal.forget(record.runId);
  return left;
}

/**
 * Machines end by themselves when their nodes have left; this gives them the time. True when none is listed any more, false after `looksMax` looks: then
 * `endFleet` ends them. Either way `endFleet` gives back what was made around them.
 */
export async function awaitEnds(components: FleetComponents, { runId, places }: FleetRecord, looksMax: number): Promise<boolean> {
  for (let look = 0; look < looksMax; look++) {
    if (look > 0) await components.sleep(LOOK_MS);
    const listed = await Promise.all(places.map(({ cloud, region }) => cloudOf(components, cloud).list({ region, runId })));
    if (listed.every((result) => result.ok && !result.value.some(isAlive))) return true;
  }
  return false;
}

async function endPlace(components: FleetComponents, { cloud, region }: FleetPlace, runId: string): Promise<readonly Problem[]> {
  const vendor = cloudOf(components, cloud);
  let problems: readonly Problem[] = [];
  let emptyLooks = 0;
  for (let look = 0; look < LOOKS_MAX && emptyLooks < EMPTY_LOOKS; look++) {
    if (look > 0) await components.sleep(LOOK_MS);
    const listed = await vendor.list({ region, runId });
    if (!listed.ok) {
      problems = listed.problems;
      emptyLooks = 0;
      continue;
    }
    const alive = listed.value.filter(isAlive);
    const { refusals } = await vendor.terminate(
      { region, runId },
      alive.map(({ id }) => id),
    );
    problems = refusals;
    emptyLooks = alive.length === 0 && refusals.length === 0 ? emptyLooks + 1 : 0;
  }
  if (emptyLooks === EMPTY_LOOKS) return [];
  const message = `${cloud} ${region}: machines or addresses of run ${runId} may be left`;
  return [{ code: 'QUILT_FLEET_LEFT', message, hint: `quilt-swarm reap ${runId}, or end them in the vendor's console` }, ...problems];
}

const isAlive = ({ state }: Instance): boolean => state === 'pending' || state === 'running';

function cloudOf({ clouds }: FleetComponents, name: string): Cloud {
  const cloud = clouds.get(name);
  if (cloud === undefined) throw new Error(`the fleet has no cloud '${name}'`);
  return cloud;
}

const interrupted = (runId: string): Problem => ({
  code: 'QUILT_LAUNCH_INTERRUPTED',
  message: `the launch of run ${runId} was interrupted; what had been launched was ended again`,
});
const tooFew = (runId: string, got: number, wanted: number): Problem => ({
  code: 'QUILT_LAUNCH_SHORT',
  message: `run ${runId} got ${got} machines and needs ${wanted}; what had been launched was ended again`,
  hint: 'add zones or machine types to --on, or ask for fewer machines',
});
