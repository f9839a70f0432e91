// Endpoint type `exec`: endpoints that live in an external program, in any language, which speaks lines of JSON on its stdio. The contract is in
// ../README.md and contract.ts; crew.ts places endpoints in processes, program.ts is one process.

import type { Problem } from '../../core/errors.ts';
import type { MetricDeclaration } from '../../core/stats-types.ts';
import type { Endpoint, EndpointContext, EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { type Crew, createCrew } from './crew.ts';
import { type ExecOptions, optionsShape } from './options.ts';

/** Of the grace, what the program may use before its process is killed. */
const GRACE_SHARE = 0.9;
/** What a program gets to stop an endpoint whose time is up at once; within the worker's own patience, which is within the lease's stop time. */
const NOW_MS = 400;

/** Arguments written ./like/this are files of the scenario: they travel with it. */
const isOwnFile = (argument: string): boolean => argument.startsWith('./') || argument.startsWith('../');

function check(options: ExecOptions, facts: { fileExists(path: string): boolean; commandExists(name: string): boolean }): Problem[] {
  const problems: Problem[] = [];
  options.command.forEach((argument, index) => {
    const key = `command[${index}]`;
    if (isOwnFile(argument)) {
      if (!facts.fileExists(argument))
        problems.push({
          code: 'QUILT_EXEC_FILE',
          message: `there is no file ${argument}`,
          hint: 'paths are relative to the scenario',
          key,
        });
    } else if (index === 0 && !facts.commandExists(argument)) {
      problems.push({
        code: 'QUILT_EXEC_COMMAND',
        message: `there is no program ${argument} on this machine`,
        hint: 'install it, or write ./name for a file beside the scenario',
        key,
      });
    }
  });
  return problems;
}

const metricsOf = (options: ExecOptions): MetricDeclaration[] =>
  Object.entries(options.metrics).map(([name, { kind, unit, help, tags }]) => ({ name, kind, unit, help, tags }));

class ExecEndpoint implements Endpoint {
  readonly #crew: Crew;
  readonly #group: GroupContext<ExecOptions>;
  readonly #context: EndpointContext;

  constructor(crew: Crew, group: GroupContext<ExecOptions>, context: EndpointContext) {
    this.#crew = crew;
    this.#group = group;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { signal, values, dueMs, stopAtMs, rng } = this.#context;
    const { clock } = this.#group;
    if (signal.aborted) return;
    const { program, number, over } = this.#crew.place(this.#context);
    const stopInMs = Math.max(0, stopAtMs - clock.nowMs());
    program.send({ type: 'start', endpoint: number, values, dueAtMs: dueMs, stopAtMs, stopInMs, seed: rng.uint32() });
    let isOver = false;
    const leave = async (): Promise<void> => {
      const graceMs = signal.reason === 'now' ? NOW_MS : this.#context.graceMs * GRACE_SHARE;
      program.send({ type: 'stop', endpoint: number, graceMs });
      await clock.until(clock.nowMs() + graceMs);
      if (isOver) return;
      if (signal.reason === 'now')
        program.breach('killed-with-neighbour', 'another endpoint of the process had to stop at once and did not');
      else program.breach('simulator-overstayed', `endpoint ${number} was not done ${Math.round(graceMs)} ms after stop`);
    };
    const onAbort = (): void => void leave();
    signal.addEventListener('abort', onAbort, { once: true });
    await over;
    isOver = true;
    signal.removeEventListener('abort', onAbort);
  }
}

async function prepare(group: GroupContext<ExecOptions>): Promise<EndpointFactory> {
  for (const target of group.options.targets) if (!target.includes('${')) group.admitTarget(target);
  const crew = createCrew(group);
  return { create: (context) => new ExecEndpoint(crew, group, context), close: crew.close };
}

export const endpointType: EndpointType<ExecOptions> = {
  type: 'exec',
  summary: 'endpoints in any program that speaks lines of JSON on its standard input and output',
  options: optionsShape,
  check,
  targets: ({ targets }) => targets,
  metrics: [],
  metricsOf,
  costMillicores: ({ costMillicores }) => costMillicores,
  prepare,
};
