// `doctor --cloud NAME[:REGION]`: whether a launch would get through at that vendor - reachability, credentials, rights, quotas - without renting anything, each finding with
// what to do; and with --rights, the least rights that a launch needs there, made from the table of what the code calls.

import type { CloudFinding } from '../../bootstrap/cloud.ts';
import { knownPrices } from '../../bootstrap/prices.ts';
import { err, out } from '../adapters/terminal.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { loadCloudType } from '../runtime/cloud-registry.ts';
import { openClouds } from './clouds.ts';

export interface CloudReport {
  readonly cloud: string;
  readonly region: string;
  readonly findings: readonly CloudFinding[];
}

/** Problems: QUILT_CLOUD_UNKNOWN, QUILT_DOCTOR_PLACE. A vendor without credentials is a finding. */
export async function examineClouds(places: readonly string[]): Promise<Result<readonly CloudReport[]>> {
  const reports: CloudReport[] = [];
  const problems: Problem[] = [];
  for (const place of places) {
    const [, cloud, named] = /^([a-z][a-z0-9-]*)(?::([A-Za-z0-9._-]+))?$/.exec(place) ?? [];
    if (cloud === undefined) {
      problems.push({
        code: 'QUILT_DOCTOR_PLACE',
        message: `--cloud ${place} is no cloud`,
        hint: 'NAME or NAME:REGION, for example aws:us-east-1',
      });
      continue;
    }
    const type = await loadCloudType(cloud);
    if (!type.ok) problems.push(...type.problems);
    else reports.push(await examineCloud(cloud, named ?? knownPrices().get(cloud)?.regions[0]?.region ?? 'default'));
  }
  return problems.length > 0 ? fail(...problems) : ok(reports);
}

async function examineCloud(cloud: string, region: string): Promise<CloudReport> {
  const opened = await openClouds([cloud]);
  if (opened.ok) return { cloud, region, findings: await opened.value.cloudOf(cloud).check(region) };
  const findings = opened.problems.map(({ message, hint = '' }) => ({ name: 'credentials', isOk: false, detail: message, remedy: hint }));
  return { cloud, region, findings };
}

/** Problem: QUILT_CLOUD_UNKNOWN. */
export async function leastRights(places: readonly string[]): Promise<Result<string>> {
  const texts: string[] = [];
  for (const place of places) {
    const type = await loadCloudType(place.split(':')[0] ?? '');
    if (!type.ok) return type;
    texts.push(type.value.leastRights?.() ?? `${type.value.name} has no rights to give: ${type.value.summary}`);
  }
  return ok(texts.join('\n\n'));
}

export function showClouds(reports: readonly CloudReport[]): void {
  for (const { cloud, region, findings } of reports) {
    const width = Math.max(...findings.map(({ name }) => name.length)) + 2;
    out(`${cloud} in ${region}`);
    for (const { isOk, name, detail, remedy } of findings) {
      out(`${(isOk ? 'ok' : 'BROKEN').padEnd(8)}${name.padEnd(width)}${detail}`);
      if (!isOk && remedy !== undefined && remedy !== '')
        for (const line of `remedy: ${remedy}`.split('\n')) out(`${''.padEnd(8 + width)}${line}`);
    }
    out('');
  }
  const broken = reports.filter(isBroken).map(({ cloud }) => cloud);
  if (broken.length > 0) err(`a launch would not get through at: ${broken.join(', ')}`);
  else out('a launch would get through');
}

export const isBroken = ({ findings }: CloudReport): boolean => findings.some(({ isOk }) => !isOk);
