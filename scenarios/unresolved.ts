// Problems about hosts that no name server knows, placed where the scenario names them. Looking up is the caller's (adapters/name-lookup.ts).

import type { Problem } from '../node/core/errors.ts';
import { hostOf, targetPatternOf } from '../node/core/host-port.ts';
import type { ValidScenario } from '../node/core/scenario-types.ts';
import { keyText } from './problems.ts';
import { readSource } from './source-map.ts';

/** `unresolved`: host name -> why. */
export function unresolvedProblems(
  scenario: ValidScenario,
  text: string,
  file: string,
  unresolved: ReadonlyMap<string, string>,
): Problem[] {
  if (unresolved.size === 0) return [];
  const source = readSource(text, file);
  const named: { path: string[]; url: string }[] = Object.entries(scenario.targets).map(([name, url]) => ({
    path: ['targets', name],
    url,
  }));
  for (const call of ['provision', 'teardown'] as const) {
    const url = scenario.meetings?.[call]?.url;
    if (url !== undefined) named.push({ path: ['meetings', call, 'url'], url });
  }
  for (const group of scenario.groups) for (const url of group.targets) named.push({ path: ['groups', group.name, 'behavior'], url });
  const seen = new Set<string>();
  return named.flatMap(({ path, url }): Problem[] => {
    const hostPort = targetPatternOf(url);
    const host = hostPort === null ? '' : hostOf(hostPort);
    const reason = unresolved.get(host);
    if (reason === undefined || seen.has(host)) return [];
    seen.add(host);
    const place = source.ok ? source.value.placeOf(path, 'value') : {};
    const hint = 'check the spelling, or that this machine is on the right network';
    return [
      {
        code: 'QUILT_TARGET_UNRESOLVED',
        file,
        ...place,
        key: keyText(path),
        message: `the host ${host} does not resolve: ${reason}`,
        hint,
      },
    ];
  });
}
