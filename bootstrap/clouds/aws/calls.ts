// One call to EC2 as a value: tried again when the vendor throttles, breaks or cannot be reached, with a growing, jittered wait, a bounded number of times.
// Only what may be repeated without harm is repeated: every action here names what it makes (a client token, a group name) or ends something, but
// AllocateAddress, which a caller marks `once`: it is tried again only when the vendor said that it did nothing. Also the bounded number of calls
// at once.

import type { CloudComponents } from '../../cloud.ts';
import { type Ec2Refusal, refusalOf } from './refusals.ts';
import type { ActionName, Ec2Actions, SendToEc2 } from './shapes.ts';

export type Answer<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly refusal: Ec2Refusal };

/** With FIRST_WAIT_MS doubled up to WAIT_MS_MAX, a call gives up after about a minute. */
const TRIES_MAX = 8;
const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 15_000;
/** EC2 refills a bucket of RunInstances at 2 a second; more at once is only throttled. */
const CALLS_MAX = 4;

export interface CallInit {
  /** Stops the waiting between tries; a request on its way is waited for, so that what it made is known. */
  readonly signal?: AbortSignal;
  /** Repeated only when the vendor certainly did nothing. */
  readonly isOnce?: boolean;
  /** Codes that mean 'not yet' here, such as InvalidGroup.NotFound for a group just made. */
  readonly notYet?: readonly string[];
}

export type CallEc2 = <Name extends ActionName>(
  name: Name,
  input: Ec2Actions[Name]['input'],
  init?: CallInit,
) => Promise<Answer<Ec2Actions[Name]['output']>>;

export function createCalls(send: SendToEc2, { sleep, random, wallNowMs }: CloudComponents): CallEc2 {
  return async (name, input, { signal, isOnce = false, notYet = [] } = {}) => {
    for (let tries = 1; ; tries++) {
      let refusal: Ec2Refusal;
      try {
        return { ok: true, value: await send(name, input) };
      } catch (error) {
        refusal = refusalOf(name, error, wallNowMs());
      }
      if (tries === TRIES_MAX || !isWorthRepeating(refusal, isOnce, notYet) || signal?.aborted) return { ok: false, refusal };
      try {
        await sleep(waitMs(tries, random()), signal);
      } catch {
        // Aborted while waiting: what the vendor said last is the answer.
        return { ok: false, refusal };
      }
    }
  };
}

/** Half fixed, half random: calls that were throttled together do not come again together. */
export function waitMs(tries: number, random: number): number {
  const wholeMs = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (tries - 1));
  return Math.round(wholeMs / 2 + (wholeMs / 2) * random);
}

const BROKEN = ['InternalError', 'InternalFailure', 'ServiceUnavailable', 'Unavailable', 'RequestTimeout', 'InsufficientDataError'];
/** The library corrects its clock by the answer's after the first of these. */
const CLOCK = ['RequestExpired', 'RequestTimeTooSkewed'];

function isWorthRepeating({ cause, vendorCode }: Ec2Refusal, isOnce: boolean, notYet: readonly string[]): boolean {
  if (cause === 'throttled' || notYet.includes(vendorCode) || CLOCK.includes(vendorCode)) return true;
  return !isOnce && (cause === 'unreachable' || BROKEN.includes(vendorCode));
}

/** `work` over all, a bounded number at once; answers in the order of `items`. */
export async function pooled<Item, Value>(items: readonly Item[], work: (item: Item, index: number) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) values[index] = await work(items[index] as Item, index);
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_MAX, items.length) }, worker));
  return values;
}

/** Of a call that may be tried without harm and was refused for a reason that is none here, such as 'it is gone already'. */
export const isRefusedFor = (answer: Answer<unknown>, codes: readonly string[]): boolean =>
  !answer.ok && codes.includes(answer.refusal.vendorCode);
