// The few colours in use, each with one meaning: green = as wanted, yellow = look here, red = wrong, cyan = names of things, dim = less important.
// Sixteen-colour codes only, so that the terminal's own theme decides the shades. Without colour nothing is lost but comfort: every state is also a
// word or a sign.

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly name: (text: string) => string;
  /** A word on a coloured ground: PASS, FAIL. One column of room on both sides, with colour or without. */
  readonly badge: (text: string, meaning: 'good' | 'warn' | 'bad' | 'plain') => string;
}

const code =
  (open: number, close: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string): string => text;
const grounds = { good: 42, warn: 43, bad: 41, plain: 46 } as const;

export function createStyle(hasColor: boolean): Style {
  if (!hasColor) return { bold: same, dim: same, good: same, warn: same, bad: same, name: same, badge: (text) => ` ${text} ` };
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    good: code(32, 39),
    warn: code(33, 39),
    bad: code(31, 39),
    name: code(36, 39),
    badge: (text, meaning) => `\u001b[${grounds[meaning]};30;1m ${text} \u001b[0m`,
  };
}
