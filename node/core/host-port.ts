// host:port of what load is sent to: the unit in which a manifest lists its targets and a node refuses all others (P7). Addresses are
// compared as text after normalising (lower case, default port of the scheme), so a target must be written as it will be dialled.

import type { ValidScenario } from './scenario-types.ts';

const defaultPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  sip: 5060,
  sips: 5061,
  rtmp: 1935,
  stun: 3478,
  turn: 3478,
  h323: 1720,
};

const AUTHORITY = /^(?:([a-z][a-z0-9+.-]*):(?:\/\/)?)?(?:[^@/?#\s]*@)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(?:[/?#;].*)?$/i;

/** 'host:port' of a URL, a SIP URI or a plain host:port; null when there is no port to be known or the text is none of these (or a template). */
export function hostPortOf(text: string): string | null {
  // 'host:8080' looks like a scheme: a scheme is followed by // or is one of those that do without.
  const plain = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})$/i.exec(text);
  const match = plain === null ? AUTHORITY.exec(text) : null;
  const host = plain?.[1] ?? match?.[2];
  const port = Number(plain?.[2] ?? match?.[3] ?? defaultPorts[match?.[1]?.toLowerCase() ?? ''] ?? Number.NaN);
  if (host === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
  return `${host.toLowerCase()}:${port}`;
}

/** The host alone, without the brackets of an IPv6 address. */
export const hostOf = (hostPort: string): string => hostPort.slice(0, hostPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');

/** As hostPortOf, and 'host:*' for any port of one host: where media goes is told by each call's answer, and only its host is known before. */
export function targetPatternOf(text: string): string | null {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\*$/i.test(text) ? text.toLowerCase() : hostPortOf(text);
}

/** Every host:port (or host:*) that this scenario may send load to, sorted: for the manifest. What only a meeting's response will tell must be listed under `targets:`. */
export function targetsOf(scenario: ValidScenario): string[] {
  const texts = [...Object.values(scenario.targets), ...scenario.groups.flatMap((group) => group.targets)];
  for (const call of [scenario.meetings?.provision, scenario.meetings?.teardown]) if (call != null) texts.push(call.url);
  const found = new Set<string>();
  for (const text of texts) {
    const pattern = targetPatternOf(text);
    if (pattern !== null) found.add(pattern);
  }
  return [...found].sort();
}

export interface ListenAddress {
  readonly host: string;
  /** 0 = any that is free. */
  readonly port: number;
}

const LOOPBACK = '127.0.0.1';
const PORT_MAX = 65_535;

/** PORT, HOST:PORT or [IPv6]:PORT; null when it is none, `:PORT` among others: all interfaces must be written out. */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || !(port <= PORT_MAX)) return null;
  return { host: match[1] ?? match[2] ?? LOOPBACK, port };
}
