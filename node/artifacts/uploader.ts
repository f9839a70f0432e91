// Sends finished files to the store, a few at once, until the store has confirmed each: only then is its owner told, who may delete it. There is no last try: a store that is
// down, slow or full leaves files on this machine's disk, bounded by whoever makes them, and a mistake of the operator's (denied, no such bucket) can be put right while the
// run goes on. What is wrong is told at once and again when it changes, not at every try. After a failure a sender waits, longer each time, with jitter.

import { backOffMs } from './rotation.ts';
import { type ArtifactClock, type ArtifactStore, pause, type StoreProblem } from './store.ts';

export interface OutgoingFile {
  /** In the store. */
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface UploaderInit {
  readonly store: ArtifactStore;
  readonly clock: ArtifactClock;
  /** 0 up to 1. */
  readonly random: () => number;
  /** Files in flight; each holds the store's part buffers. */
  readonly filesAtOnce: number;
  /** The store has it. Rejecting means that this could not be written down, and sends it again. */
  readonly onConfirmed: (file: OutgoingFile) => Promise<void>;
  readonly onProblem: (problem: StoreProblem, file: OutgoingFile) => void;
  readonly onNote: (note: string) => void;
}

export interface UploaderCounters {
  readonly waitingFiles: number;
  readonly waitingBytes: number;
  readonly confirmedFiles: number;
  readonly confirmedBytes: number;
  readonly resumedBytes: number;
  readonly failedTries: number;
}

export interface Uploader {
  add(file: OutgoingFile): void;
  /** Not confirmed yet, those in flight first. */
  waiting(): readonly OutgoingFile[];
  counters(): UploaderCounters;
  /** Resolves when nothing is waiting, or `signal` aborts. */
  idle(signal: AbortSignal): Promise<void>;
  /** Gives up what is in flight; it stays on disk, and resumes when it is added again. */
  stop(): Promise<void>;
}

export function createUploader(init: UploaderInit): Uploader {
  const { store, clock } = init;
  const queue: OutgoingFile[] = [];
  const inFlight = new Set<OutgoingFile>();
  const senders = new Set<Promise<void>>();
  const stopping = new AbortController();
  let idleCallbacks: (() => void)[] = [];
  let told = '';
  let confirmedFiles = 0;
  let confirmedBytes = 0;
  let resumedBytes = 0;
  let failedTries = 0;
  let waitingBytes = 0;

  /** Null = confirmed. */
  const send = async (file: OutgoingFile): Promise<StoreProblem | null> => {
    const put = await store.putFile(file.key, file.path, { signal: stopping.signal, sha256: file.sha256, onNote: init.onNote });
    if (!put.ok) return put.problems[0] as StoreProblem;
    try {
      await init.onConfirmed(file);
    } catch (error) {
      const message = `${file.path}: sent, but not written down: ${(error as Error).message}`;
      return { cause: 'local-file', code: 'QUILT_STORE_LOCAL_FILE', message, hint: 'free some space in the data folder' };
    }
    confirmedFiles += 1;
    confirmedBytes += file.sizeBytes;
    waitingBytes -= file.sizeBytes;
    resumedBytes += put.value.resumedBytes;
    told = '';
    return null;
  };

  const tell = (problem: StoreProblem, file: OutgoingFile): void => {
    failedTries += 1;
    if (problem.cause !== told) init.onProblem(problem, file);
    told = problem.cause;
  };

  const work = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const file = queue.shift();
      if (file === undefined) return;
      inFlight.add(file);
      const problem = await send(file);
      inFlight.delete(file);
      failures = problem === null ? 0 : failures + 1;
      if (problem === null) continue;
      queue.push(file);
      if (problem.cause !== 'aborted') tell(problem, file);
      await pause(clock, backOffMs(failures, init.random()), stopping.signal);
    }
  };

  const start = (): void => {
    if (senders.size >= init.filesAtOnce || stopping.signal.aborted) return;
    const sender = work().finally(() => {
      senders.delete(sender);
      // One that came after the last look at the queue.
      if (queue.length > 0) start();
      if (senders.size > 0) return;
      for (const callback of idleCallbacks) callback();
      idleCallbacks = [];
    });
    senders.add(sender);
  };

  return {
    add(file) {
      waitingBytes += file.sizeBytes;
      queue.push(file);
      start();
    },
    waiting: () => [...inFlight, ...queue],
    counters: () => ({
      ...{ waitingFiles: inFlight.size + queue.length, waitingBytes, confirmedFiles, confirmedBytes, resumedBytes, failedTries },
    }),
    idle: (signal) =>
      new Promise((resolve) => {
        if (senders.size === 0 || signal.aborted) return resolve();
        idleCallbacks.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    async stop() {
      stopping.abort();
      await Promise.all(senders);
    },
  };
}
