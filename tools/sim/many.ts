// Many seeds over several processes: a seed needs nothing of another, so seed i goes to worker i % jobs and the counts are added up.
// Worker threads, because results are plain data and a thread starts in a few milliseconds.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { addCounts, type Counts, createCounts } from './counts.ts';
import { type Failure, runSeed } from './run-seed.ts';

export interface ManyOptions {
  readonly from: number;
  readonly count: number;
  readonly secondsMax: number;
  readonly jobs: number;
  /** Stops after this many failures. */
  readonly failuresMax: number;
  readonly onFailure?: (failure: Failure) => void;
}

export interface ManyResult {
  readonly seeds: number;
  readonly counts: Counts;
  readonly failures: readonly Failure[];
  readonly elapsedMs: number;
  readonly jobs: number;
}

interface Share {
  readonly from: number;
  readonly end: number;
  readonly step: number;
  readonly secondsMax: number;
  readonly failuresMax: number;
}
type News = { readonly failure: Failure } | { readonly seeds: number; readonly counts: Counts };

/** Plays every `step`-th seed of [from, end). */
function playShare(share: Share, tell: (news: News) => void): void {
  const counts = createCounts();
  const untilMs = monotonicNowMs() + share.secondsMax * 1000;
  let seeds = 0;
  let failures = 0;
  for (let seed = share.from; seed < share.end && failures < share.failuresMax && monotonicNowMs() < untilMs; seed += share.step) {
    const outcome = runSeed(seed);
    seeds += 1;
    addCounts(counts, outcome.counts);
    if (outcome.failure === null) continue;
    failures += 1;
    tell({ failure: outcome.failure });
  }
  tell({ seeds, counts });
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  playShare((workerData as { share: Share }).share, (news) => port.postMessage(news));
}

export async function runSeeds(options: ManyOptions): Promise<ManyResult> {
  const { from, count, secondsMax, failuresMax } = options;
  const jobs = Math.max(1, Math.min(options.jobs, count));
  const startedMs = monotonicNowMs();
  const failures: Failure[] = [];
  const counts = createCounts();
  let seeds = 0;
  const hear = (news: News): void => {
    if ('failure' in news) {
      failures.push(news.failure);
      options.onFailure?.(news.failure);
      return;
    }
    seeds += news.seeds;
    addCounts(counts, news.counts);
  };
  const shares = Array.from(
    { length: jobs },
    (_, job): Share => ({ from: from + job, end: from + count, step: jobs, secondsMax, failuresMax }),
  );
  if (jobs === 1) playShare(shares[0]!, hear);
  else await Promise.all(shares.map((share) => playInThread(share, hear)));
  failures.sort((a, b) => a.seed - b.seed);
  return { seeds, counts, failures, elapsedMs: monotonicNowMs() - startedMs, jobs };
}

function playInThread(share: Share, hear: (news: News) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { share } });
    worker.on('message', hear);
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a simulator thread ended with ${code}`))));
  });
}
