// Puts a console together: what is watched (any node of a swarm, through a run folder or a ticket), who may look, and the server. Used by `quilt-swarm console` and by --console of the verbs
// that run nodes. Closing it changes nothing in the swarm: it is a client of it, no member.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { OrderRequest, StartedView } from '../../tools/console/protocol.ts';
import { createConsole } from '../../tools/console/server/app.ts';
import type { Catapult } from '../../tools/console/server/catapult.ts';
import { createLiveFeed, type FeedSource, type LiveFeed } from '../../tools/console/server/live-feed.ts';
import { createSessions, type Role } from '../../tools/console/server/sessions.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { childEnvironment } from '../adapters/environment.ts';
import { keptText } from '../adapters/kept-text.ts';
import { err } from '../adapters/terminal.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { words } from '../core/shell-words.ts';
import type { Report, TimelineAnswer } from '../runtime/collector.ts';
import type { LogTail, StatusView } from '../runtime/node-status.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { askFor, type ControlTarget } from './control-client.ts';
import { entryPaths } from './entries.ts';
import { giveOrder, runIdOf } from './give-order.ts';
import { programVersion } from './program-version.ts';
import { unknownGroup } from './scale.ts';
import { storedReport, storedTimeline } from './stored-run.ts';

export interface ConsoleOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Further names under which browsers come. */
  readonly hosts: readonly string[];
  /** What is watched now. */
  readonly target: () => ControlTarget | null;
  /** As the commands name it: a run folder or a ticket; null = the newest run. */
  readonly where: () => string | null;
  readonly keyPath: string | undefined;
  readonly canSteer: boolean;
  readonly catapult: Catapult | null;
  /** Sessions are kept there (as hashes), so that open pages come back after a restart; null = they end with this process. */
  readonly sessionsPath: string | null;
  /** Ends the sessions, links and tokens that are kept there. */
  readonly forget?: boolean;
}

export interface RunningConsole {
  /** A link that is good once, for whoever may steer. */
  link(): string;
  /** A link that only reads, as often as it is used. */
  shareLink(): string;
  /** For a script, which sends it as Authorization: Bearer. */
  token(role: Role): string;
  /** Another run is watched from now on. */
  restart(): void;
  /** Tells everybody who watches how it stands, for the last time. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Beside the program when it is built; in dist/ when it runs from its sources, and built there when it is not there yet. */
function pageFolder(): string {
  const { node } = entryPaths();
  const isSource = existsSync(join(dirname(node), 'main.ts'));
  const folder = join(dirname(node), ...(isSource ? ['..', 'dist'] : []), 'console');
  if (isSource && !existsSync(join(folder, 'index.html'))) {
    err('building the page, once');
    const built = spawnSync(process.execPath, [join(dirname(node), '..', 'tools', 'build-page.ts'), folder], {
      encoding: 'utf8',
      env: childEnvironment(),
    });
    if (built.status !== 0) err(`the page could not be built: ${built.stderr.trim()}`);
  }
  return folder;
}

/** What is asked of the swarm, and of the folder of its run once nobody answers. */
const sourceOf = (target: ControlTarget): FeedSource => ({
  id: target.folder ?? 'a ticket',
  isFar: target.folder === null,
  status: () => askFor<StatusView>(target, { ask: 'status' }),
  timeline: async (fromMs) => {
    const asked = await askFor<TimelineAnswer>(target, fromMs === undefined ? { ask: 'timeline' } : { ask: 'timeline', fromMs });
    if (asked.ok || fromMs !== undefined || target.folder === null) return asked;
    const stored = storedTimeline(target.folder);
    return stored.ok ? stored : asked;
  },
  report: async () => {
    const asked = await askFor<Report>(target, { ask: 'report' });
    const stored = asked.ok || target.folder === null ? null : storedReport(target.folder);
    return stored === null ? asked : ok(stored);
  },
  log: (node) => askFor<LogTail>(target, { ask: 'log', node }),
});

/** Answers of a swarm that is gone: what the console last had. */
const orKnown = (from: FeedSource, { known }: Pick<LiveFeed, 'known'>): FeedSource => ({
  ...from,
  async timeline(fromMs) {
    const asked = await from.timeline(fromMs);
    return asked.ok || known.timeline === null ? asked : ok(known.timeline);
  },
  async report() {
    const asked = await from.report();
    return asked.ok || known.report === null ? asked : ok(known.report);
  },
});

/** Problem: QUILT_CONSOLE_PORT. */
export async function startConsole(options: ConsoleOptions): Promise<Result<RunningConsole>> {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  const { sessionsPath } = options;
  const keeper =
    sessionsPath === null ? {} : { keeper: keptText(sessionsPath, (why) => err(`people log in again after a restart: ${why}`)) };
  const sessions = createSessions({ wallNowMs, ...keeper });
  if (options.forget === true) sessions.forget();
  const source = (): FeedSource | null => {
    const target = options.target();
    return target === null ? null : sourceOf(target);
  };
  const kept = (): FeedSource | null => {
    const from = source();
    return from === null ? null : orKnown(from, feed);
  };
  const started = (): StartedView | null => options.catapult?.started() ?? null;
  const waiting = (): string => {
    const view = started();
    if (view?.isRunning === true) return view.verb === 'launch' ? 'machines are being made' : 'the swarm is forming';
    return view?.hasFailed === true ? 'what was started ended without a run' : 'nothing runs here now';
  };
  const feed = createLiveFeed({ source, waiting, started, wallNowMs, after: clock.after });
  const { catapult, canSteer, tls, hosts } = options;
  const { app, close } = await createConsole({
    ...{ version: programVersion(), pageFolder: pageFolder(), sessions, feed, canSteer, hosts, tls },
    mode: () => (catapult === null ? 'watch' : 'catapult'),
    swarmId: () => feed.known.swarmId,
    after: clock.after,
    order: (request) => orderOf(options, request),
    ...{ wallNowMs, source: kept, catapult, onStarted: () => feed.restart() },
    watchedWords: () => (catapult === null ? placeOf(options) : []),
  });
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await close();
    const message = `the console cannot listen on ${options.host} port ${options.port}: ${(error as Error).message}`;
    return fail({ code: 'QUILT_CONSOLE_PORT', message, hint: 'choose another with --listen, or 0 for any port' });
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const shown = hosts[0] ?? (options.host === '0.0.0.0' ? '127.0.0.1' : options.host);
  const origin = `${tls === null ? 'http' : 'https'}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  return ok({
    link: () => `${origin}/login#${sessions.code('operator')}`,
    shareLink: () => `${origin}/login#${sessions.code('reader')}`,
    token: (role) => sessions.token(role),
    restart: () => feed.restart(),
    finish: () => feed.finish(),
    async close() {
      feed.close();
      await close();
    },
  });
}

/** Every node must have heard of a scale order before it takes effect. */
const AHEAD_MS = 1500;

async function orderOf({ where, keyPath, catapult }: ConsoleOptions, request: OrderRequest): Promise<Result<{ command: string }>> {
  const place = where();
  const given = await giveOrder(place ?? undefined, keyPath, (status) => {
    const runId = runIdOf(status);
    if (!runId.ok) return runId;
    if (request.order === 'stop') return ok({ order: 'stop', runId: runId.value, mode: request.mode, reason: 'from the console' });
    if (status.sinceT0Ms === null || status.phase !== 'running')
      return fail({ code: 'QUILT_NOT_RUNNING', message: `the run is ${status.phase}`, hint: 'load can be scaled while it runs' });
    const unknown = unknownGroup(status, request.group);
    if (unknown !== null) return fail(unknown);
    const scale = { group: request.group, factor: request.factor, atMs: Math.max(0, status.sinceT0Ms) + AHEAD_MS };
    return ok({ order: 'scale', runId: runId.value, scale });
  });
  if (!given.ok) return interrupted(catapult, request) ?? given;
  const named = placeOf({ where });
  if (request.order === 'stop')
    return ok({ command: words('quilt-swarm', 'stop', ...named, ...(request.mode === 'now' ? ['--now'] : [])) });
  return ok({ command: words('quilt-swarm', 'scale', request.group, String(request.factor), ...named) });
}

/** While it makes machines there is no run to be told to stop: what makes them is. */
function interrupted(catapult: Catapult | null, { order }: OrderRequest): Result<{ command: string }> | null {
  const done = order === 'stop' ? (catapult?.interrupt() ?? null) : null;
  return done === null ? null : ok(done);
}

/** What is watched, as commands name it. A ticket is a secret: the line has its place only. */
function placeOf({ where }: Pick<ConsoleOptions, 'where'>): readonly string[] {
  const place = where();
  if (place === null) return [];
  const near = relative(process.cwd(), place);
  return [place.startsWith('quilt') ? 'TICKET' : near.startsWith('..') || near === '' ? place : near];
}
