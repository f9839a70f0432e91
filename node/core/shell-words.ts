// Commands as a person would type them: what a page did can be repeated in a terminal. Whatever a shell could read as more than a word is quoted, because names in it may be hostile, and lines are
// there to be copied.

const shellWord = (text: string): string => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export const words = (...all: readonly string[]): string => all.map(shellWord).join(' ');
