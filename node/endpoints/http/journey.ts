// One user's life: iterations of the journey until the planned leave, or as often as the scenario says. Every request has a time at which it is
// due - the end of the think time before it, or the iteration's place on the schedule - and its latency counts from there, so a generator or a
// target that lags cannot flatter the result (P8). A class, because a worker holds thousands of them and they share their functions.

import { drawThinkMs, type Think } from '../../core/option-shapes.ts';
import type { Recorder } from '../../core/stats-types.ts';
import type { Endpoint, EndpointContext } from '../endpoint.ts';
import { Caller, type CallerGroup } from './caller.ts';
import type { Step } from './compile.ts';

/** What the endpoints of a group share. */
export interface JourneyGroup extends CallerGroup {
  readonly steps: readonly Step[];
  readonly iterations: ReturnType<Recorder['counter']>;
  readonly iterationDuration: ReturnType<Recorder['trend']>;
}

/** Below this, a journey that cannot even send would spin without letting anything else run. */
const RETRY_PAUSE_MS_MIN = 5;

export class Journey implements Endpoint {
  readonly #group: JourneyGroup;
  readonly #context: EndpointContext;
  readonly #caller: Caller;
  #dueMs: number;
  #isJoined = false;

  constructor(group: JourneyGroup, context: EndpointContext) {
    this.#group = group;
    this.#context = context;
    this.#caller = new Caller(group, context);
    this.#dueMs = context.dueMs;
  }

  async run(): Promise<void> {
    const { options, iterations, iterationDuration } = this.#group;
    const { signal, dueMs } = this.#context;
    const firstDueMs = dueMs + this.#thinkMs(options.start);
    const timesMax = options.repeat === 'until leave' ? Number.POSITIVE_INFINITY : options.repeat;
    signal.addEventListener('abort', this.#caller, { once: true });
    try {
      this.#dueMs = firstDueMs;
      for (let index = 0; index < timesMax && !signal.aborted; index++) {
        if (options.every !== undefined) this.#dueMs = firstDueMs + index * options.every;
        const beganMs = this.#dueMs;
        if (!(await this.#iterate())) break;
        iterations.add(1);
        iterationDuration.record(this.#caller.overMs - beganMs);
      }
    } finally {
      signal.removeEventListener('abort', this.#caller);
      this.#caller.release();
    }
  }

  /** One pass through the steps; answers whether the life goes on. */
  async #iterate(): Promise<boolean> {
    const { options, steps, clock } = this.#group;
    const { signal } = this.#context;
    this.#caller.forget();
    for (const step of steps) {
      for (let round = 0; round < step.repeat; round++) {
        // Due no later than the last request was over: due already, without a look at the clock.
        const isDue = this.#dueMs <= this.#caller.overMs || this.#dueMs <= clock.nowMs();
        if (!isDue && (await clock.until(this.#dueMs, signal)) === 'aborted') return false;
        if (signal.aborted) return false;
        const outcome = await this.#caller.perform(step, this.#dueMs);
        if (outcome === 'left') return false;
        if (!this.#isJoined && outcome === 'ok') {
          this.#isJoined = true;
          this.#context.joined();
        }
        // A target that is not there must not be hammered by a journey without think times.
        const pauseMs = outcome === 'no-answer' ? Math.max(RETRY_PAUSE_MS_MIN, options.retryPause) : 0;
        this.#dueMs = this.#caller.overMs + Math.max(pauseMs, this.#thinkMs(step.think));
        if (outcome === 'ok' || options.onFailure === 'continue') continue;
        return options.onFailure !== 'leave';
      }
    }
    return true;
  }

  #thinkMs(think: Think | undefined): number {
    return think === undefined ? 0 : drawThinkMs(think, this.#context.rng.float);
  }
}
