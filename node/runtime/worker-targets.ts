// P7 in the worker: load goes to what the manifest lists and nowhere else. Patterns are host:port; `*` stands for one label or the rest of a
// host, or for any port. What cannot be read as host:port is refused: not knowing where load goes is the same as not being invited.

import { hostPortOf } from '../core/host-port.ts';

/** Thrown to endpoint code that asks for a target outside the manifest. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
  readonly code = 'QUILT_TARGET_REFUSED';
}

export function createAdmission(patterns: readonly string[]): (url: string) => void {
  const admitted = new Set<string>();
  const tests = patterns.map(patternOf);
  return (url) => {
    const hostPort = hostPortOf(url);
    if (hostPort !== null && (admitted.has(hostPort) || tests.some((test) => test.test(hostPort)))) {
      if (admitted.size < ADMITTED_MAX) admitted.add(hostPort);
      return;
    }
    throw new TargetRefused(`${hostPort ?? url} is not among the run's targets (${patterns.join(', ')})`);
  };
}

const ADMITTED_MAX = 10_000;

function patternOf(pattern: string): RegExp {
  const normal = pattern.includes('*') ? pattern.toLowerCase() : (hostPortOf(pattern) ?? pattern.toLowerCase());
  const [, host = normal, port] = /^(.*?)(?::(\d+|\*))?$/.exec(normal) ?? [];
  const escaped = host.replace(/[.[\]+?^${}()|\\]/g, '\\$&').replaceAll('*', '[a-z0-9.-]+');
  return new RegExp(`^${escaped}:${port === undefined || port === '*' ? '\\d+' : port}$`);
}
