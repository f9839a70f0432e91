// The two clocks of the machine, and the only place that reads them. Everything else gets numbers.
// `monotonicNowMs` is CLOCK_MONOTONIC: it counts from the machine's boot, never jumps with the wall clock, and is the same for all processes of
// the machine, so a node may tell its workers "T0 is at 81234.5" or "your grant ends at ...". Leases, deadlines and latencies use it; across
// machines the offset is estimated from round trips (DESIGN 5, Time).
// `wallNowMs` is what the operating system says now: for file names, certificate and ticket expiry, and to notice a step.

/** hrtime and performance.now read the same clock; performance.now is three times cheaper, because it makes no BigInt. */
const bootOffsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The wall clock as it stood when this process started, less the monotonic one: what wallStepMs compares with. */
const wallOffsetMs = Date.now() - monotonicNowMs();

/** Milliseconds since boot, with a fraction (about 1 µs), never going backwards. */
export function monotonicNowMs(): number {
  return bootOffsetMs + performance.now();
}

/** Whole milliseconds since the Unix epoch; may jump in either direction between two calls. */
export function wallNowMs(): number {
  return Date.now();
}

/** How far the wall clock moved away from the monotonic one since the process started: positive when it was set forward. */
export function wallStepMs(): number {
  return wallNowMs() - monotonicNowMs() - wallOffsetMs;
}
