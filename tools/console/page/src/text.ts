// How figures and foreign texts look on the page: short numbers with units, clocks, and texts with their control characters made visible. Pure. What comes in may be hostile: nothing
// here makes markup, and direction overrides are shown as what they are, so that a name cannot turn around the text beside it.

const THIN = '\u2009';
export const NONE = '–';

/** 1234567 -> 1.23 M; below ten thousand all digits. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)}${THIN}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}${THIN}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}${THIN}k`;
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toString();
  return trim(value);
}

/** Three digits that mean something, no trailing zeros. */
function trim(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return digits === 0 ? text : text.replace(/\.?0+$/, '');
}

export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NONE;
  const size = Math.abs(ms);
  if (size >= 60_000) return formatClock(ms);
  if (size >= 1000) return `${trim(ms / 1000)}${THIN}s`;
  return `${trim(ms)}${THIN}ms`;
}

/** A moment or length of the run: 1:02:03, or 2:03; before T0 with a minus. */
export function formatClock(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NONE;
  const all = Math.floor(Math.abs(ms) / 1000);
  const two = (part: number): string => String(part).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return `${ms < 0 && all > 0 ? '−' : ''}${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}`;
}

/** A share from 0 to 1. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  const percent = share * 100;
  return `${percent !== 0 && Math.abs(percent) < 0.01 ? percent.toPrecision(2) : trim(percent)}${THIN}%`;
}

export function formatUsd(usd: number | null | undefined): string {
  if (usd === null || usd === undefined || !Number.isFinite(usd)) return NONE;
  return `$${usd >= 1000 ? Math.round(usd) : usd >= 1 ? usd.toFixed(2) : usd.toFixed(4).replace(/0{1,2}$/, '')}`;
}

export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes >= 1 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${trim(bytes / 1000 ** power)}${THIN}${units[power]}`;
}

/** In the unit that a metric declares (node/core/stats-types.ts). */
export function formatUnit(value: number | null | undefined, unit: string): string {
  if (unit === 'ms') return formatMs(value);
  if (unit === 'percent') return formatShare(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'usd') return formatUsd(value);
  if (unit === 'bps') return `${formatCount(value)}bit/s`;
  return formatCount(value);
}

/** What writes nothing, turns writing around or parts lines: by number, but for the selector that every emoji carries. Half a pair is no character at all. */
const invisible = /(?!\ufe0f)[\p{Default_Ignorable_Code_Point}\p{Surrogate}\u2028-\u202e\u2066-\u2069\u061c\ufff9-\ufffb\u2800\u00ad]/gu;
const control = /[\u0000-\u001f\u007f-\u009f]/g;
/** More marks on one letter than any script has climb over the lines above. */
const piled = /(\p{Mark}{4})(\p{Mark}+)/gu;

/** Of a text that no caller cuts; a name of a megabyte would be the whole page. */
export const SHOWN_MAX = 300;

/** A foreign text as it may be shown: ESC becomes ␛, a newline ␊, and so on; at most `max` characters of it, with how many are left out. */
export function shown(text: string, max = SHOWN_MAX): string {
  const short = cut(text, max);
  const visible = (short ?? text)
    .replace(control, (one) => {
      const code = one.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '␡' : `⟨${code.toString(16)}⟩`;
    })
    .replace(invisible, (one) => `⟨${(one.codePointAt(0) ?? 0).toString(16)}⟩`)
    .replace(piled, (_all, marks: string, more: string) => `${marks}⟨${[...more].length} marks⟩`);
  return short === null ? visible : `${visible}… (${text.length - short.length} more)`;
}

/** At most `max` characters of it, whole code points; null when nothing is cut. */
export function cut(text: string, max: number): string | null {
  if (text.length <= max) return null;
  const end = /[\ud800-\udbff]/.test(text[max - 1] ?? '') ? max - 1 : max;
  return text.slice(0, end);
}

const LONG_WORD = /\S{13}/;
const PIECE = /.{1,20}/gsu;

/** The text in pieces between which a line may end: behind the dots and dashes of long names, and within words that have none. A cell of a table is then as wide as a piece, not as a letter. */
export function pieces(text: string): readonly string[] {
  if (!LONG_WORD.test(text)) return [text];
  return text.split(/(?<=\s)(?=\S{13})|(?<=\S{13}\s)/).flatMap((part) => {
    if (!LONG_WORD.test(part)) return [part];
    return part.split(/(?<=[_./:,;=&?}])(?=[^\s_./:,;=&?}])/).flatMap((name) => name.match(PIECE) ?? []);
  });
}
