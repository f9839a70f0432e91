// Text measured and cut as a terminal shows it: colour codes take no room, wide characters take two columns, control characters never get through
// (names and error examples come from scenarios and from targets, and an escape sequence in one must not redraw the operator's screen).

const ESCAPE = /\u001b\[[0-9;]*m/g;
/** C0 without the escape that our own colours use, DEL, C1, and the marks that turn the direction of writing. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** East Asian wide and emoji blocks, roughly; a wrong guess costs one column, never a line. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{Mn}|\u200b|\u200d|\ufe0f/u;

/** Foreign text made safe for one line. */
export const clean = (text: string): string => text.replace(/[\r\n\t]+/g, ' ').replace(CONTROL, '\ufffd');

const widthOf = (character: string): number => (COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Columns that `text` takes, colour codes left out. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text.replace(ESCAPE, '')) width += widthOf(character);
  return width;
}

/** Uncoloured text cut to `width` columns, with an ellipsis when something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = used + widthOf(character);
    if (next > width - 1) break;
    kept += character;
    used = next;
  }
  return `${kept}…`;
}

export const padRight = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));
export const padLeft = (text: string, width: number): string => ' '.repeat(Math.max(0, width - displayWidth(text))) + text;

/** `left` and `right` at both ends of a line; the right one gives way when there is no room. */
export function spread(left: string, right: string, width: number): string {
  const room = width - displayWidth(left) - displayWidth(right);
  return room >= 2 ? left + ' '.repeat(room) + right : left;
}

/** Words broken into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width || line === '') line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  return lines.map((one) => truncate(one, width));
}
