// Endpoint type `sipp`: endpoints are calls of SIPp, with a person's own XML scenario. options.ts is what they write, command.ts the command line,
// fleet.ts places endpoints in processes, process.ts is one of them, statistics.ts reads what it measures, outcome.ts what its end means.

import type { Problem } from '../../core/errors.ts';
import type { EndpointContext, EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { destinations, refusalOf, serverOf } from './command.ts';
import { createFleet } from './fleet.ts';
import { sippMetrics } from './metrics.ts';
import { isFile, optionsShape, type SippOptions } from './options.ts';

/** SIPp's own scenarios that call somebody; the others wait for calls, or are halves of a third-party call. */
const BUILT_IN = ['uac', 'regexp', 'branchc'];

function check(options: SippOptions, facts: { fileExists(path: string): boolean; commandExists(name: string): boolean }): Problem[] {
  const problems: Problem[] = [];
  const { server, scenario, inject, args } = options;
  if (!facts.commandExists('sipp')) {
    const hint = 'apt-get install sip-tester, or quilt-swarm doctor --install';
    problems.push({ code: 'QUILT_SIPP_MISSING', message: 'there is no sipp on this machine', hint });
  }
  if (!server.includes('${') && serverOf(server) === null) {
    problems.push({ code: 'QUILT_SIPP_SERVER', message: `not a server: ${server}`, hint: 'write HOST or HOST:PORT', key: 'server' });
  }
  if (!isFile(scenario) && !BUILT_IN.includes(scenario)) {
    const hint = `write ./file.xml, or one of SIPp's own that call: ${BUILT_IN.join(', ')}`;
    problems.push({ code: 'QUILT_SIPP_SCENARIO', message: `no scenario to call with: ${scenario}`, hint, key: 'scenario' });
  }
  const files = [
    ...(isFile(scenario) ? [['scenario', scenario] as const] : []),
    ...inject.map((path, index) => [`inject[${index}]`, path] as const),
  ];
  for (const [key, path] of files) {
    if (facts.fileExists(path)) continue;
    problems.push({ code: 'QUILT_SIPP_FILE', message: `there is no file ${path}`, hint: 'paths are relative to the scenario', key });
  }
  args.forEach((argument, index) => {
    const reason = refusalOf(argument);
    if (reason === undefined) return;
    problems.push({
      code: 'QUILT_SIPP_ARGUMENT',
      message: `${argument} cannot be given: ${reason}`,
      hint: 'leave it out',
      key: `args[${index}]`,
    });
  });
  return problems;
}

/** A template is shown as it is; what it may become stands under the scenario's `targets`. */
const targetOf = (server: string): string => serverOf(server) ?? server;

/** Measured through a proxy: 0.11 s of CPU for 1,000 calls; 0.7 thousandths of a core for a stream of RTP, or its echo. */
const MILLICORES_PER_CALL = 0.11;
const MILLICORES_MEDIA = 0.7;
const MILLICORES_IDLE = 0.05;

function costMillicores({ calls, scenario, rtpEcho }: SippOptions): number {
  // A file may play media, and nobody reads it beforehand. A call of unknown length is taken for one of a second.
  const media = rtpEcho || isFile(scenario) ? MILLICORES_MEDIA : 0;
  const callsPerSecond = calls.rate ?? 1000 / Math.max(10, calls.length ?? 1000);
  return MILLICORES_IDLE + callsPerSecond * MILLICORES_PER_CALL + media;
}

async function prepare(group: GroupContext<SippOptions>): Promise<EndpointFactory> {
  const { server } = group.options;
  if (!server.includes('${')) group.admitTarget(targetOf(server));
  const destinationFor = destinations(group.options);
  const fleet = createFleet(group);
  const live = async (context: EndpointContext): Promise<void> => {
    if (context.signal.aborted) return;
    const destination = destinationFor(context.values);
    if (typeof destination === 'string') return context.broken('invalid-request', `nothing to be made of ${destination}`);
    try {
      group.admitTarget(destination.server);
    } catch (error) {
      return context.broken('target-refused', (error as Error).message);
    }
    await fleet.stay(context, destination);
  };
  return { create: (context) => ({ run: () => live(context) }), flush: fleet.flush, close: fleet.close };
}

export const endpointType: EndpointType<SippOptions> = {
  type: 'sipp',
  summary: "calls of SIPp with your own XML scenario and injection files, its statistics among the run's",
  options: optionsShape,
  check,
  targets: ({ server }) => [targetOf(server)],
  metrics: sippMetrics,
  costMillicores,
  prepare,
};
