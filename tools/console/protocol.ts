// What the console's page and its server say to each other (version 1): types, each read from the schema that describes and validates it (schemas/), so that page, server and
// /api/v1/openapi.json cannot differ. Times are milliseconds; `at` from T0 unless the name says wall. Everything that names, logs or scenarios can hold is hostile text, and is shown as text.
// Nothing is imported from schemas/ but types: the page must not carry the validator to browsers.

import type * as folder from './schemas/folder.ts';
import type * as live from './schemas/live.ts';
import type * as machines from './schemas/machines.ts';
import type { Told } from './schemas/parts.ts';
import type * as problems from './schemas/problems.ts';
import type * as session from './schemas/session.ts';

/** GET /api/v1/nodes/{node}/log */
export type { LogTail } from '../../node/runtime/node-status.ts';

/** Version 1 takes additions only: what is removed or means something else is version 2, below /api/v2. */
export const CONSOLE_PROTOCOL = 1;

// Bounds that both keep: the schemas refuse what is beyond them, and the page's fields do not let it be written.
/** Local nodes of one run. */
export const NODES_MAX = 50;
/** Words of --on, or of --mix, in one launch. */
export const PLACEMENTS_MAX = 32;
/** Of the planned load, by an order. */
export const FACTOR_MAX = 100;
/** What happened in a run, as the console keeps it and the page shows it. */
export const EVENTS_MAX = 2000;

/** GET /api/v1/session: who is looking, at what. */
export type SessionView = Told<typeof session.sessionView>;

export type NodeRow = Told<typeof live.nodeRow>;
/** Who owns what, by shard id. */
export type ShardMap = Told<typeof live.shardMap>;
export type EventRow = Told<typeof live.eventRow>;
/** Once a second. */
export type LiveState = Told<typeof live.liveState>;
/** Latency of one group over time as a picture: counts by column of `timeline.atMs` and by band. */
export type HeatMap = Told<typeof live.heatMap>;
/** Orders to one group so far, in their result. */
export type GroupFactor = Told<typeof live.groupFactor>;
/** GET /api/v1/status */
export type StateView = Told<typeof live.stateView>;
/** A process that this console started. */
export type StartedView = Told<typeof live.startedView>;
/** On the socket /api/v1/live. */
export type LiveMessage = Told<typeof live.liveMessage>;
export type AwayMessage = Told<typeof live.awayMessage>;
export type EventsMessage = Told<typeof live.eventsMessage>;
/** GET /api/v1/timeline and GET /api/v1/runs/{id}/timeline */
export type RunBySecond = Told<typeof live.runBySecond>;
/** The run by the second: whole at first, then only points that are new or changed, to be put over those of the same `atMs`. */
export type TimelineMessage = Extract<LiveMessage, { type: 'timeline' }>;

/** POST /api/v1/orders, with canSteer. The answer names the command that does the same. */
export type OrderRequest = Told<typeof session.orderRequest>;
/** Everything that was done or would be done: as a line for a terminal. */
export type Done = Told<typeof session.done>;

export type ProblemView = Told<typeof problems.problemView>;
/** Whatever is refused, with any status from 400 on. */
export type Refusal = Told<typeof problems.refusal>;

/** GET /api/v1/scenarios */
export type ScenarioRow = Told<typeof folder.scenarioRows>[number];
/** POST /api/v1/plan */
export type PlanRequest = Told<typeof folder.planRequest>;
/** Problems, or what would run. */
export type PlanView = Told<typeof folder.planView>;
/** GET /api/v1/runs, newest first. */
export type RunRow = Told<typeof folder.runRow>;
/** GET /api/v1/run: the run that was started last. */
export type StartedRun = Told<typeof folder.startedRun>;
/** POST /api/v1/runs: starts `quilt-swarm run`, and the console watches it. */
export type StartRequest = Told<typeof folder.startRequest>;
/** GET /api/v1/runs/{id}/again, for operators, since its words may hold secrets. */
export type AgainView = Told<typeof folder.againView>;

/** GET /api/v1/clouds: where machines can be rented. */
export type CloudRow = Told<typeof machines.cloudList>[number];
/** Machines of a launch, in the words of `launch`. */
export type MachinesRequest = Told<typeof machines.machinesRequest>;
/** As `plan --on` reckons it. */
export type CostView = Told<typeof machines.costView>;
export type VendorCost = CostView['vendors'][number];
export type MachinesPlan = Told<typeof machines.machinesPlan>;

/** POST /api/v1/share: a link that only reads. */
export type ShareView = Told<typeof session.shareView>;
