// Commands as a person would type them: what the page did can be repeated in a terminal.

const shellWord = (text: string): string => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export const words = (...all: readonly string[]): string => all.map(shellWord).join(' ');
