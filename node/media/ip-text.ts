// IP addresses as text and as big-endian words (IPv4 one, IPv6 four). IPv6 is read by RFC 4291 (2.2) and written by RFC 5952.

/** The text has passed isIP, here and below. */
export function parseIpv4(host: string): number {
  return host.split('.').reduce((word, part) => (word << 8) | Number(part), 0);
}

export const formatIpv4 = (word: number): string => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.');

export function parseIpv6(host: string): [number, number, number, number] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host);
  const tail = dotted === null ? 0 : parseIpv4(dotted[2] as string);
  const text = dotted === null ? host : `${dotted[1]}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`;
  const [left = '', right] = text.split('::');
  const groupsOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const head = groupsOf(left);
  const end = groupsOf(right ?? '');
  const groups = [...head, ...new Array<number>(8 - head.length - end.length).fill(0), ...end];
  const word = (at: number): number => ((groups[at] as number) << 16) | (groups[at + 1] as number);
  return [word(0), word(2), word(4), word(6)];
}

export function formatIpv6(words: readonly number[]): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  let start = -1;
  let length = 1;
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > length) [start, length] = [at, end - at];
  }
  const join = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? join(groups) : `${join(groups.slice(0, start))}::${join(groups.slice(start + length))}`;
}
