// The two clocks of the machine, and the only place that reads them. Everything else gets numbers.
// `monotonicNowMs` never jumps: it is the wall clock as it stood when this process started, plus the time that passed
// since. Leases, deadlines and latencies use it, so a clock step (NTP, a suspended laptop) cannot end a lease early. Two
// processes of one machine agree on it as long as the wall clock was not stepped between their starts; across machines
// the offset is estimated from round trips (DESIGN 5, Time).
// `wallNowMs` is what the operating system says now: for file names, certificate and ticket expiry, and to notice a step.

/** Milliseconds since the Unix epoch, with a fraction (about 1 µs), never going backwards within this process. */
export function monotonicNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Whole milliseconds since the Unix epoch; may jump in either direction between two calls. */
export function wallNowMs(): number {
  return Date.now();
}

/** How far the wall clock moved away from the monotonic one since the process started: positive when it was set forward. */
export function wallStepMs(): number {
  return wallNowMs() - monotonicNowMs();
}
