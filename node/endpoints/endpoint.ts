// The contract of an endpoint type (level 1). A new endpoint type is one new file (or folder with index.ts) in this folder that exports
// `endpointType: EndpointType`. The registry finds it by scanning the folder; the compliance suite then tests it because it exists.
// An endpoint never throws for what the target does: failures of the target are data (ctx.fail), failures of the generator are ctx.broken.

import type { ZodType } from 'zod';
import type { Problem } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { MetricDeclaration, Recorder, Tags } from '../core/stats-types.ts';

export interface EndpointType<Options = unknown> {
  /** The word in a scenario's `type:`. */
  readonly type: string;
  readonly summary: string;
  /** Shape of the group's `behavior:` (strict object; unknown keys are errors). */
  readonly options: ZodType<Options>;
  /** Checks beyond shape, e.g. a program that is not there. `key` is relative to the behaviour. */
  readonly check?: (options: Options, facts: { fileExists(path: string): boolean; commandExists(name: string): boolean }) => Problem[];
  /** host:port (or URLs) this behaviour will send load to, so that the manifest can list them (P7). Templates with ${meeting.x} return the template. */
  readonly targets: (options: Options) => readonly string[];
  readonly metrics: readonly MetricDeclaration[];
  /** Metrics that these options add (exec: what the program says it reports). */
  readonly metricsOf?: (options: Options) => readonly MetricDeclaration[];
  /** Template names of its own beside those of EndpointContext.values, e.g. 'message.id'; 'captured.NAME' of a `captures:` map is known without. */
  readonly names?: readonly string[];
  /** Thousandths of a core that one active endpoint needs, measured; 0.5 is allowed. */
  readonly costMillicores: (options: Options) => number;
  /** Bits a second that one active endpoint sends, headers included: what traffic costs is estimated from it. Left out: UPLINK_BPS_DEFAULT, a video call. */
  readonly uplinkBps?: (options: Options) => number;
  /** Called once per worker and group before the run: shared agents, pools, compiled templates. */
  readonly prepare: (group: GroupContext<Options>) => Promise<EndpointFactory>;
}

export interface GroupContext<Options> {
  readonly group: string;
  readonly options: Options;
  readonly recorder: Recorder;
  readonly clock: Clock;
  /** Refuses (throws TargetRefused) any host that the manifest does not list. Call before connecting anywhere. */
  readonly admitTarget: (url: string) => void;
  /** What an endpoint type knows about the generator itself (P8): it marks the window of this second. */
  readonly health: GeneratorNotes;
  /** Folder for files of this run (logs of external programs). */
  readonly workFolder: string;
  /** Folder that relative paths in the scenario are relative to. */
  readonly scenarioFolder: string;
}

export interface EndpointFactory {
  readonly create: (context: EndpointContext) => Endpoint;
  /** Brings the recorder up to date with what is counted elsewhere (bytes of sockets). Called before every delta. */
  readonly flush?: () => void;
  /** Releases what prepare made. */
  readonly close: () => Promise<void>;
}

/** One simulated participant's life. */
export interface Endpoint {
  /** Runs the whole life: connect, behave until `context.signal` aborts (planned leave) or the behaviour is over, then leave politely. Resolves when gone.
   * Must resolve within the group's graceful stop after the abort. A rejection is a generator fault (contract broken), never a target's. */
  readonly run: () => Promise<void>;
}

export interface EndpointContext {
  readonly endpointIndex: number;
  readonly lifeIndex: number;
  /** Values for ${...}: variables (vars.X or X), meeting.X, data.X (unique row), endpoint.index, endpoint.id, group.name. Already flat: name -> text. */
  readonly values: Readonly<Record<string, string>>;
  readonly rng: Rng;
  /** When this life was due to start, in clock time. Latency of the first action counts from here. */
  readonly dueMs: number;
  /** Planned leave, in clock time: the signal will abort then at the latest, unless an operator moves it. */
  readonly stopAtMs: number;
  /** T0 in clock time. Stamps that endpoints of other machines compare are relative to it: T0 is one moment of swarm time. */
  readonly runStartMs: number;
  /** run() must have resolved this long after the signal aborted; with reason 'now', at once. */
  readonly graceMs: number;
  /** Aborted at the planned leave or at a drain; `signal.reason` 'leave' | 'drain' | 'now'. */
  readonly signal: AbortSignal;
  /** Tags of the group, to be put on every sample by the recorder already. */
  readonly tags: Tags;
  /** The target did something wrong: counted with its cause; `stage` e.g. 'join', 'request'. */
  readonly fail: (cause: string, example: string) => void;
  /** The generator itself did something wrong. */
  readonly broken: (cause: string, example: string) => void;
  /** The endpoint is in (joined, connected): drives ep_join_duration and the active/joined counts. */
  readonly joined: () => void;
}

export interface GeneratorNotes {
  /** The generator, not the target, shaped what is measured in this second: `reason` is one of a few short sentences ('media sent late'). */
  readonly taint: (reason: string) => void;
  /** So many packets were lost at a socket of our own. */
  readonly socketDrops: (count: number) => void;
}

/** A callback that waits for its time. */
export interface TimerEntry {
  readonly atMs: number;
  /** Insertion order: entries of the same time fire in the order they came. */
  readonly order: number;
  /** Null when cancelled or fired. */
  callback: (() => void) | null;
}

export interface Clock {
  /** Monotonic, ms as float. */
  readonly nowMs: () => number;
  /** Calls back at `atMs` or as soon after as it can; never before, never within the call itself. Costs an entry in a heap. */
  readonly at: (atMs: number, callback: () => void) => TimerEntry;
  readonly cancel: (entry: TimerEntry) => void;
  /** Resolves at `atMs` (or at once when past), rejects never; resolves early with 'aborted' when the signal aborts. */
  readonly until: (atMs: number, signal?: AbortSignal) => Promise<'due' | 'aborted'>;
}
