// Durations as people write them ('500ms', '10s', '1m30s', '1.5h') and the milliseconds that the program counts in.
// A bare number is refused on purpose: `over: 10` would be ten of what?

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Longest duration accepted: a week. Beyond it a typo is likelier than a wish, and timers of some runtimes wrap at 24.8 days. */
export const DURATION_MS_MAX = 7 * 24 * 3_600_000;

export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** Milliseconds, or null when the text is no duration or longer than a week. */
export function parseDuration(text: string): number | null {
  if (text.length > 40 || !DURATION_PATTERN.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) totalMs += Number(amount) * unitMs[unit ?? 'ms']!;
  return totalMs <= DURATION_MS_MAX ? totalMs : null;
}

/** The shortest usual spelling: 90500 -> '1m30.5s', 250 -> '250ms', 3600000 -> '1h'. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return '0s';
  if (ms < 1000) return `${Number(ms.toFixed(ms < 10 ? 1 : 0))}ms`;
  let tenths = Math.round(ms / 100);
  const hours = Math.floor(tenths / 36_000);
  tenths -= hours * 36_000;
  const minutes = Math.floor(tenths / 600);
  tenths -= minutes * 600;
  const parts = [hours > 0 ? `${hours}h` : '', minutes > 0 ? `${minutes}m` : '', tenths > 0 ? `${tenths / 10}s` : ''];
  return parts.join('') || '0s';
}
