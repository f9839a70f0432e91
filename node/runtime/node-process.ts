// One node: the pure core between mesh, store, workers and windows. This file only connects: what an effect means is performed by the part that
// owns it, and what a part has to say becomes an event. It decides nothing about the run, with two exceptions that guard money and are therefore
// local (P5): the run's wall-clock limit ends this process even when the core never would, and so does an end that does not come to its end.

import type { ExitName, Result } from '../core/errors.ts';
import type { Departure, Report, Start } from '../core/events.ts';
import { meetingsIn } from '../core/meetings.ts';
import type { EndReason, Entry, Manifest, NodeId } from '../core/messages.ts';
import { createNode, step } from '../core/node.ts';
import type { Note } from '../core/notes.ts';
import type { NodeState } from '../core/state.ts';
import { meetingFactsOf } from '../core/view.ts';
import { createBlobs } from './blobs.ts';
import { type Collector, createCollector, type Report as RunReport } from './collector.ts';
import { type ControlAnswer, type ControlRequest, parseControlRequest } from './control.ts';
import { createHealthMonitor } from './health.ts';
import { inTurn } from './in-turn.ts';
import { createInbound } from './inbound.ts';
import { type LoadedRun, loadRun } from './load-run.ts';
import { createLoop, type EventDraft, type Loop } from './loop.ts';
import { createNodeArtifacts, type NodeArtifacts, UPLOAD_MS_MAX } from './node-artifacts.ts';
import type { NodeExit, NodeProcess, NodeProcessInit } from './node-contract.ts';
import { nodeName, noteOf } from './node-names.ts';
import { createNodeOutputs, type NodeOutputs, OUTPUTS_MS_MAX } from './node-outputs.ts';
import { answerControl, type StatusView, statusOf } from './node-status.ts';
import { createNoteList, type NoteList } from './note-list.ts';
import { createPerformer } from './perform.ts';
import { createWindowCloser } from './windows.ts';
import { createWorkerPool, type WorkerPool } from './workers.ts';

/** Beyond the core's own last bound (drain, flush, grace), the process ends without asking it. */
const WALL_SLACK_MS = 120_000;
/** 'now' means now: seconds, also when the disk or the mesh hangs. */
const LEAVE_MS_MAX = 5_000;

/** Why a run ended, for a node that leaves without a sealed verdict. */
const END_REASON_OF: Partial<Record<ExitName, EndReason>> = {
  quorumLost: 'coordinator-lost',
  budgetReached: 'wall-limit',
  stoppedByOperator: 'stopped',
  internalFault: 'internal-fault',
  capacityNeverReached: 'capacity-never-reached',
};

export function startNode(init: NodeProcessInit): NodeProcess {
  return new Running(init).handle();
}

/** A class for its lifecycle: parts come to be in the course of a run (workers with the plan) and end together. */
class Running {
  readonly #init: NodeProcessInit;
  readonly #state: NodeState;
  readonly #loop: Loop;
  readonly #collector: Collector;
  readonly #health;
  readonly #windows;
  readonly #inbound;
  readonly #blobs;
  readonly #artifacts: NodeArtifacts | null;
  readonly #outputs: NodeOutputs | null;
  readonly #notes: NoteList;
  readonly #lostAtSwarmMs = new Map<NodeId, number>();
  readonly #counts = new Map<string, number>();
  readonly #meetingsSent = new Set<number>();
  readonly #exited = Promise.withResolvers<NodeExit>();
  #pool: WorkerPool | null = null;
  #run: LoadedRun | null = null;
  #adopting: Promise<void> = Promise.resolve();
  #isEnding = false;
  #isWallGuarded = false;
  #done: () => void = () => {};

  constructor(init: NodeProcessInit) {
    this.#init = init;
    const { clock, store, mesh, codec, config } = init;
    this.#state = createNode(config, clock.nowMs(), init.restored);
    this.#notes = createNoteList(() => clock.nowMs() + this.#state.clock.offsetMs);
    const perform = createPerformer({
      mesh,
      store,
      codec,
      onEntries: (entries) => this.#onEntries(entries),
      onWindows: (node, windows) => this.#collector.add(node, windows),
      onStart: (start) => this.#onStart(start),
      onStop: (stop) => this.#pool?.stop(stop),
      onReport: (report) => this.#onReport(report),
      onExit: (exit) => this.#end(exit),
      onStorageFailed: (message) => this.#push({ type: 'storage-failed', message }),
      count: (what) => this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1),
    });
    this.#loop = createLoop({
      clock,
      step: (event) => step(this.#state, event),
      wakeAtMs: () => this.#state.wakeAtMs,
      perform,
      onFault: (error) => this.#onFault(error),
    });
    this.#inbound = createInbound({ codec, verifyEntry: init.verifyEntry, push: (event) => this.#loop.push(event) });
    this.#blobs = createBlobs(`${init.dataFolder}/blobs`, (peer, request) => mesh.request(peer, 'blob', request));
    this.#health = createHealthMonitor(clock.nowMs());
    const run = (): LoadedRun | null => this.#run;
    const note = (level: Note['level'], text: string): void => this.#notes.add({ kind: 'trouble', level, text });
    this.#outputs = createNodeOutputs(init, { state: this.#state, run, status: () => this.#status(), note });
    this.#windows = createWindowCloser({
      clock,
      health: this.#health,
      numberLast: init.restored.windowLast,
      toSwarmMs: (nowMs) => nowMs + this.#state.clock.offsetMs,
      own: init.ownSeries,
      spool: async (frame, window) => {
        await store.putWindows(config.self, [frame]);
        // Only what is in the spool will be in the summary.
        this.#outputs?.own(window);
        this.#artifacts?.window(frame);
      },
      emit: (event) => this.#push(event),
    });
    this.#collector = createCollector({
      clock,
      store,
      log: init.log,
      runFolder: init.runFolder,
      state: this.#state,
      run,
      onMerged: (node, window) => this.#outputs?.merged(node, window),
      notes: this.#notes.notes,
      lostAtSwarmMs: this.#lostAtSwarmMs,
      ...{ version: config.version, uploadMsMax: init.artifacts === undefined ? 0 : UPLOAD_MS_MAX },
      renderSummary: init.renderSummary,
      note: (note) => this.#notes.add(note),
      emit: (event) => this.#push(event),
    });
    this.#artifacts = createNodeArtifacts(init, note);
    init.runFolder.appendEntries(init.restored.entries);
  }

  handle(): NodeProcess {
    const { config } = this.#init;
    return {
      self: config.self,
      exited: this.#exited.promise,
      handlers: {
        gossip: (from, topic, bytes) => this.#inbound.gossip(from, topic, bytes),
        message: (from, bytes) => this.#inbound.message(from, bytes),
        peerUp: (peer) => this.#push({ type: 'peer-up', peer }),
        peerDown: (peer) => this.#push({ type: 'peer-down', peer }),
        request: (_from, protocol, bytes) => this.#onRequest(protocol, bytes),
      },
      putBundle: (bytes) => this.#blobs.put(bytes),
      order: (order) => this.#push({ type: 'order', order }),
      signal: (mode, why) => this.#onSignal(mode, why),
      control: (request) => this.#onControl(request),
      status: () => this.#status(),
      report: () => this.#collector.report(),
    };
  }

  #push(event: EventDraft): void {
    this.#loop.push(event);
  }

  #onStart(start: Start): void {
    switch (start.what) {
      case 'load-plan':
        this.#guardWall(start.manifest);
        this.#artifacts?.start(start.manifest.runId);
        if (this.#init.config.load) this.#windows.start();
        this.#loadPlan(start.manifest, start.from).catch((error) =>
          this.#push({ type: 'plan-failed', message: `the scenario could not be kept: ${(error as Error).message}` }),
        );
        return;
      case 'prepare':
        return this.#pool?.prepare(start.claims);
      case 'provision':
        return this.#pool?.provision(start.claim, start.meetings);
      case 'teardown': {
        const known = meetingsIn(this.#state).facts;
        return this.#pool?.teardown(
          start.claim,
          start.meetings.flatMap((meeting) => known.get(meeting)?.facts ?? []),
        );
      }
      case 'load':
        return this.#pool?.load(start);
      case 'grant':
        return this.#pool?.grant(start.untilMs);
      case 'scale':
        return this.#pool?.scale(start.scale);
      case 'collect':
        return this.#collector.start();
      case 'judge':
        return this.#collector.judge(start);
    }
  }

  async #loadPlan(manifest: Manifest, from: readonly NodeId[]): Promise<void> {
    const { dataFolder, readScenario, runFolder, log, clock, mesh } = this.#init;
    const loaded: Result<LoadedRun> = await loadRun({
      manifest,
      from: () => [...from, ...mesh.peers()],
      clock,
      blobs: this.#blobs,
      folder: `${dataFolder}/bundles`,
      readScenario,
      extrasFolder: this.#init.extrasFolder,
    });
    if (!loaded.ok) {
      const message = loaded.problems.map((problem) => problem.message).join('; ');
      log.error({ problems: loaded.problems }, 'plan not loaded');
      this.#push({ type: 'plan-failed', message });
      return;
    }
    this.#run = loaded.value;
    this.#outputs?.begin();
    runFolder.writeManifest(manifest);
    runFolder.writeScenario(loaded.value.bundle);
    runFolder.writePlan(loaded.value.plan);
    if (this.#init.config.load) this.#startWorkers(loaded.value);
    this.#push({ type: 'plan-loaded', plan: loaded.value.plan });
  }

  #startWorkers({ bundle, folder, plan, manifest }: LoadedRun): void {
    const { clock, spawnWorker, workerCount, log, dataFolder } = this.#init;
    if (this.#pool !== null || this.#isEnding) return;
    this.#pool = createWorkerPool({
      count: workerCount,
      spawn: spawnWorker,
      clock,
      setup: {
        scenarioText: bundle.scenarioText,
        scenarioFile: bundle.scenarioFile,
        scenarioFolder: folder,
        variables: bundle.variables,
        targets: manifest.targets,
        workFolder: `${dataFolder}/work`,
      },
      shardOf: (id) => plan.shards[id]!,
      // Only ends race with the closing of a window; see windows.ts.
      emit: (event) =>
        event.type === 'load-stopped' || event.type === 'torn-down' ? this.#windows.emitBetweenWindows(event) : this.#push(event),
      onDelta: (worker, delta) => {
        this.#health.add(worker, delta.health);
        this.#windows.add(worker, delta);
      },
      onDeath: (worker, description, lost) => {
        log.error({ worker, description }, 'worker died');
        this.#windows.forget(worker);
        this.#notes.add({ kind: 'trouble', level: 'error', text: `a worker of this node died (${description}) and is started again` });
        for (const { group, active } of lost) {
          if (active === 0) continue;
          this.#windows.addError({ side: 'generator', group, cause: 'worker-died', count: active, example: description });
        }
      },
      onAbortWanted: (message) => this.#push({ type: 'abort-wanted', reason: 'aborted-by-scenario', message }),
      onNote: (level, message) => log[level]({ part: 'worker' }, message),
    });
    this.#passMeetings();
  }

  #onEntries(entries: readonly Entry[]): void {
    this.#init.runFolder.appendEntries(entries);
    for (const entry of entries) {
      // Facts count once their author is known to be in the run: the roster may come later than they.
      if (entry.kind === 'meeting' || entry.kind === 'roster' || entry.kind === 'lead') this.#passMeetings();
      if (entry.kind === 'done' && entry.author === this.#init.config.self) this.#windows.stop();
    }
  }

  /** Workers get every meeting's facts once; a meeting's facts never change. */
  #passMeetings(): void {
    if (this.#pool === null) return;
    const added = meetingFactsOf(this.#state).filter(({ meeting }) => !this.#meetingsSent.has(meeting));
    for (const { meeting } of added) this.#meetingsSent.add(meeting);
    if (added.length > 0) this.#pool.meetings(added);
  }

  #onReport(report: Report): void {
    const note = noteOf(report, (node) => nodeName(this.#state, node));
    this.#init.log[note.level === 'warning' ? 'warn' : note.level](report, note.text);
    this.#notes.add(note);
    if (report.event === 'down') this.#lostAtSwarmMs.set(report.node, this.#init.clock.nowMs() + this.#state.clock.offsetMs);
    const isWatcher = !this.#init.config.load;
    if (report.event === 'phase' && report.phase === 'sealed' && isWatcher) this.#adopting = this.#adoptReport();
  }

  /** Witnesses are where people look: what another coordinator wrote is copied here before it leaves. */
  async #adoptReport(): Promise<void> {
    if (this.#collector.report() !== null) return;
    const answer = await this.#onControl({ ask: 'report' });
    if (answer.ok) this.#collector.adopt(answer.value as RunReport);
  }

  async #onRequest(protocol: 'control' | 'blob', bytes: Uint8Array): Promise<Uint8Array> {
    if (protocol === 'blob') return this.#blobs.serve(bytes);
    const request = parseControlRequest(new TextDecoder().decode(bytes));
    if (request === undefined) throw new Error('not a control request');
    return new TextEncoder().encode(JSON.stringify(await this.#onControl(request)));
  }

  #onControl(request: ControlRequest): Promise<ControlAnswer> {
    return answerControl(request, {
      self: this.#init.config.self,
      coordinator: () => this.#state.coordinator?.node ?? null,
      ask: (peer, ask) => this.#init.mesh.request(peer, 'control', new TextEncoder().encode(JSON.stringify(ask))),
      status: () => this.#status(),
      collector: this.#collector,
      log: () => this.#init.log.tail(),
      order: (order) => this.#push({ type: 'order', order }),
      verifyOrder: this.#init.config.verifyOrder,
    });
  }

  #status(): StatusView {
    return statusOf({
      swarmId: this.#init.swarmId,
      state: this.#state,
      nowMs: this.#init.clock.nowMs(),
      ...{ board: this.#collector.board(), live: this.#collector.live() },
      notes: this.#notes.notes,
      workerPids: this.#pool?.pids() ?? [],
      waitingFor: this.#artifacts?.waitingFor() ?? null,
      counters: {
        ...this.#init.mesh.counters(),
        ...Object.fromEntries(this.#counts),
        ...Object.fromEntries(this.#inbound.refused()),
        ...Object.fromEntries([...this.#state.refused].map(([what, count]) => [`log ${what}`, count])),
        inboxDropped: this.#loop.dropped(),
        logIgnored: this.#state.facts.ignored,
      },
    });
  }

  #guardWall({ wallMsMax }: Manifest): void {
    if (this.#isWallGuarded) return;
    this.#isWallGuarded = true;
    this.#init.clock.after(wallMsMax + WALL_SLACK_MS, () =>
      this.#end({ exit: 'budgetReached', message: 'the limit of the run has passed' }),
    );
  }

  #onSignal(mode: 'leave' | 'now', why?: Departure): void {
    this.#push({ type: 'signal', mode, ...(why === undefined ? {} : { why }) });
    if (mode !== 'now') return;
    this.#artifacts?.hurry();
    this.#init.clock.after(LEAVE_MS_MAX, () => this.#end({ exit: 'stoppedByOperator', message: 'stopped by a signal' }));
    // It may be leaving already, patient with the artifact store.
    this.#init.clock.after(LEAVE_MS_MAX * 2, () => this.#done());
  }

  #onFault(error: unknown): void {
    this.#init.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'internal fault');
    this.#end({ exit: 'internalFault', message: error instanceof Error ? error.message : String(error) });
  }

  /** Exit order: load, then what is still to be written, then the ways out. Called once by whoever is first. */
  #end(exit: NodeExit): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { clock, log, mesh, store, runFolder } = this.#init;
    log.info({ exit: exit.exit, reason: exit.message }, 'leaving');
    this.#windows.stop();
    this.#pool?.close();
    this.#loop.stop();
    this.#health.close();
    this.#collector.stop();
    this.#done = (): void => {
      log.flush();
      this.#exited.resolve(exit);
    };
    const sendMsMax = (this.#artifacts?.msMax() ?? 0) + (this.#outputs === null ? 0 : OUTPUTS_MS_MAX);
    clock.after(LEAVE_MS_MAX + sendMsMax, this.#done);
    const reported = [() => this.#adopting, () => this.#reportAlone(exit), () => this.#outputs?.finish(), () => runFolder.close()];
    // The mesh stays up meanwhile: who is connected is still at work.
    const uploaded = [() => this.#artifacts?.finish(), () => this.#surveyArtifacts()];
    void inTurn(log, [...reported, ...uploaded, () => mesh.stop(), () => store.close()]).then(this.#done);
  }

  /** The coordinator's part, and that of witnesses, where people look; load nodes go when their own evidence is safe. */
  async #surveyArtifacts(): Promise<void> {
    const { config, mesh } = this.#init;
    const { coordinator, chain } = this.#state;
    const summary = this.#collector.report()?.summary;
    const isCoordinator = coordinator?.node === config.self;
    if (summary === undefined || (config.load && !isCoordinator)) return;
    const isAuthor = isCoordinator || chain.phase !== 'sealed';
    const artifacts = await this.#artifacts?.survey({ summary, peers: () => mesh.peers(), isAuthor });
    if (artifacts !== undefined && artifacts !== null) this.#collector.amend(artifacts);
  }

  /** A run that lost its coordinator has no report unless its nodes write what they have (P6). */
  async #reportAlone(exit: NodeExit): Promise<void> {
    const { endReason, phase } = this.#state.chain;
    if (phase === 'sealed') return;
    const reason = endReason === null || endReason === 'completed' ? (END_REASON_OF[exit.exit] ?? 'coordinator-lost') : endReason;
    await this.#collector.judgeAlone({ reason, message: exit.message, missing: [] });
  }
}
