// `--out NAME=ARG` and `--metrics-listen HOST:PORT`: which outputs there are, what the flags mean on this node, and the words that other nodes of the run get. Addresses go to every node, for each
// sends its own figures; files are written only where the run folder is; secrets (headers) go nowhere: each node has its own environment.

import { randomBytes } from 'node:crypto';
import { Option } from 'commander';
import { environmentVariable, forgetVariable } from '../adapters/environment.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { ListenAddress } from '../core/host-port.ts';
import { suggestion } from '../core/suggest.ts';
import { csv } from '../outputs/csv.ts';
import { json } from '../outputs/json.ts';
import { otlp } from '../outputs/otlp.ts';
import type { OpenNodeOutput, OpenRunOutput, OutputType } from '../outputs/output.ts';
import { prometheusRemoteWrite } from '../outputs/prometheus-rw.ts';
import { openScrape } from '../outputs/scrape.ts';
import type { OutputsChoice } from '../runtime/node-outputs.ts';
import { listenArgument } from './finish.ts';

/** A new output is a row here and a file there. */
const OUTPUTS: Readonly<Record<string, OutputType>> = { otlp, 'prometheus-rw': prometheusRemoteWrite, json, csv };

export interface OutputFlags {
  readonly out: readonly string[];
  readonly metricsListen?: ListenAddress;
}

const HEADER_VARIABLES = ['OTEL_EXPORTER_OTLP_HEADERS', 'QUILT_OUT_HEADERS'] as const;
const PORT_MAX = 65_535;

const ABOUT = Object.entries(OUTPUTS)
  .map(([name, { about }]) => `${name} (${about})`)
  .join(', ');

export const outputOptions = (): readonly Option[] => [
  new Option('--out <name=argument>', `send the figures there while the run lasts: ${ABOUT}; repeatable`)
    .argParser((text: string, all: readonly string[]) => [...all, text])
    .default([], ''),
  new Option(
    '--metrics-listen <host:port>',
    'every node answers Prometheus at http://HOST:PORT/metrics; a bare port is on loopback (nodes of `run`: PORT, PORT+1, ...)',
  ).argParser(listenArgument),
];

interface NamedOutput {
  readonly name: string;
  readonly argument: string;
  readonly type: OutputType;
}

function parseOut(text: string): Result<NamedOutput> {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  const type = Object.hasOwn(OUTPUTS, name) ? OUTPUTS[name] : undefined;
  if (type === undefined) {
    return fail({ code: 'QUILT_OUT', message: `--out ${name}: there is no such output`, hint: suggestion(name, Object.keys(OUTPUTS)) });
  }
  if (at < 0) return fail({ code: 'QUILT_OUT', message: `--out ${name} says not where to`, hint: `--out ${name}=..., ${type.about}` });
  return ok({ name, argument: text.slice(at + 1), type });
}

const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;

/** `keepsRun`: the run folder is here. Undefined when nothing was asked for. All problems at once; files are opened, and the port, if there is none. */
export async function openOutputs(
  flags: OutputFlags,
  { keepsRun }: { readonly keepsRun: boolean },
): Promise<Result<OutputsChoice | undefined>> {
  const { out, metricsListen } = flags;
  if (out.length === 0 && metricsListen === undefined) return ok(undefined);
  const node: OpenNodeOutput[] = [];
  const run: OpenRunOutput[] = [];
  const problems: Problem[] = [];
  const keep = <T>(result: Result<T>, list: T[]): void => {
    if (result.ok) list.push(result.value);
    else problems.push(...result.problems);
  };
  for (const text of out) {
    const parsed = parseOut(text);
    if (!parsed.ok) {
      problems.push(...parsed.problems);
      continue;
    }
    const { name, argument, type } = parsed.value;
    const around = { environment: environmentVariable, random };
    if (type.scope === 'node') keep(type.check(argument, around), node);
    else if (keepsRun) keep(type.check(argument, around), run);
    else
      problems.push({ code: 'QUILT_OUT', message: `--out ${name} is for run, seed and launch: files are written where the run folder is` });
  }
  if (problems.length > 0) return fail(...problems);
  const scrape = metricsListen === undefined ? ok(null) : await openScrape(metricsListen);
  return scrape.ok ? ok({ node, run, scrape: scrape.value }) : scrape;
}

/** Workers, and the programs that they start for a scenario, have no business with the receivers' keys. */
export function forgetHeaders(): void {
  for (const name of HEADER_VARIABLES) forgetVariable(name);
}

/** Header variables that are set here and are therefore missing on machines elsewhere. */
export const headersSet = (): readonly string[] => HEADER_VARIABLES.filter((name) => environmentVariable(name) !== undefined);

/** Whether anything of this goes to other nodes. */
export const sendsFromNodes = ({ out }: OutputFlags): boolean => nodeOuts(out).length > 0;

const nodeOuts = (out: readonly string[]): string[] =>
  out.filter((text) => {
    const parsed = parseOut(text);
    return parsed.ok && parsed.value.type.scope === 'node';
  });

const listenWords = ({ host, port }: ListenAddress): string[] => ['--metrics-listen', `${host.includes(':') ? `[${host}]` : host}:${port}`];

/** For the command lines of nodes on machines of their own. */
export const outputWords = ({ out, metricsListen }: OutputFlags): string[] => [
  ...nodeOuts(out).flatMap((text) => ['--out', text]),
  ...(metricsListen === undefined ? [] : listenWords(metricsListen)),
];

/** For node `index` (from 1) of several on this machine, whose first has the port itself. */
export function localOutputWords({ out, metricsListen }: OutputFlags, index: number): string[] {
  const words = outputWords({ out });
  if (metricsListen === undefined) return words;
  const { host, port } = metricsListen;
  return [...words, ...listenWords({ host, port: port === 0 ? 0 : port + index })];
}

/** Nodes that share a machine need a port each. */
export function sharedPortProblem({ metricsListen }: OutputFlags, nodes: number): Problem | null {
  if (metricsListen === undefined || metricsListen.port === 0 || metricsListen.port + nodes <= PORT_MAX) return null;
  const message = `--metrics-listen: ${nodes} nodes need the ports from ${metricsListen.port} on, and there are none above ${PORT_MAX}`;
  return { code: 'QUILT_METRICS_LISTEN', message, hint: 'name a lower one, or 0 for any that are free' };
}
