// Just enough of a terminal to see what a live board leaves on the screen: lines, cursor up, clear to the end of line and screen, hidden cursor.
// Anything else is refused, so that a driver cannot use what this does not understand.

export interface TinyTerminal {
  readonly write: (text: string) => void;
  /** Lines from the top, without colours and trailing blanks. */
  readonly screen: () => string[];
  readonly isCursorHidden: () => boolean;
}

export function createTinyTerminal(): TinyTerminal {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  let isHidden = false;
  const put = (character: string): void => {
    lines[row] = lines[row]!.padEnd(column).slice(0, column) + character + lines[row]!.slice(column + 1);
    column += 1;
  };
  const obey = (sequence: string, argument: string, final: string): void => {
    if (final === 'A') row = Math.max(0, row - Number(argument || 1));
    else if (final === 'K') lines[row] = lines[row]!.slice(0, column);
    else if (final === 'J') {
      lines[row] = lines[row]!.slice(0, column);
      lines.length = row + 1;
    } else if (sequence === '\u001b[?25l') isHidden = true;
    else if (sequence === '\u001b[?25h') isHidden = false;
    else if (final !== 'm' && !argument.startsWith('?2026')) throw new Error(`unknown sequence ${JSON.stringify(sequence)}`);
  };
  return {
    write(text) {
      for (const [part, argument, final] of text.matchAll(/\u001b\[([0-9;?]*)([A-Za-z])|[\s\S]/gu)) {
        if (final !== undefined) obey(part, argument ?? '', final);
        else if (part === '\n') {
          row += 1;
          column = 0;
          if (lines.length <= row) lines.push('');
        } else if (part === '\r') column = 0;
        else put(part);
      }
    },
    screen: () =>
      lines.map((line) => line.trimEnd()).filter((line, index, all) => line !== '' || all.slice(index).some((later) => later !== '')),
    isCursorHidden: () => isHidden,
  };
}
