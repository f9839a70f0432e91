// From options to SIPp's command line. Also the flags that a person may not give in `args`, because the supervisor relies on them, because a key of the
// behaviour says the same, or because they would send load to an address that nobody signed.

import { join } from 'node:path';
import { compileTemplate, type Template, type Values } from '../../core/template.ts';
import { isFile, type SippOptions } from './options.ts';

/** What of a command line depends on the endpoint. Endpoints share a process when theirs are equal. */
export interface Destination {
  /** host:port */
  readonly server: string;
  readonly args: readonly string[];
}

/** What of a command line depends on the process. */
export interface Launch {
  readonly destination: Destination;
  readonly scenarioFolder: string;
  readonly localPort: number;
  readonly controlPort: number;
  /** Calls at a time. */
  readonly slots: number;
}

export const CONTROL_HOST = '127.0.0.1';
/** Below SIPp's default buffers messages are lost from about 3,000 calls/s on; this is what net.core.rmem_max usually allows. */
const BUFFER_BYTES = 4_000_000;
/** Of errors.log; SIPp starts a new one then. */
const ERRORS_BYTES_MAX = 1_000_000;
export const STATISTICS_FILE = 'statistics.csv';

const OWNED: Readonly<Record<string, readonly string[]>> = {
  'a key of the behaviour says it': words(
    'sn sf inf t s au ap key i mi mp rtp_echo r rp l m users d recv_timeout send_timeout timeout rate_increase rate_max rate_interval rate_scale',
  ),
  'the supervisor needs it': words(
    'p cp ci bg nostdin sleep buff_size trace_stat stf fd stat_delimiter trace_rtt rtt_freq trace_err error_file error_overwrite max_log_size ringbuffer_size ringbuffer_files sd v h',
  ),
  'load goes to the server only': words('rsa 3pcc master slave slave_cfg'),
};

function words(text: string): string[] {
  return text.split(' ').map((name) => `-${name}`);
}

/** Why an argument is refused, or undefined. */
export const refusalOf = (argument: string): string | undefined =>
  Object.keys(OWNED).find((reason) => OWNED[reason]?.includes(argument.replace(/^--/, '-')));

/** host:port, with SIP's default port; null for what is neither HOST nor HOST:PORT. */
export function serverOf(text: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(match?.[2] ?? 5060);
  return match === null || port < 1 || port > 65_535 ? null : `${match[1]}:${port}`;
}

/** Templates compiled once a group: what an endpoint's values make of them, or the text that has a name nobody knows or is no address. */
export function destinations({ server, user, auth, keys }: SippOptions): (values: Values) => Destination | string {
  const address = compileTemplate(server);
  const written: (readonly [flags: readonly string[], text: Template])[] = [
    ...(user === undefined ? [] : [[['-s'], compileTemplate(user)] as const]),
    ...(auth === undefined ? [] : [[['-au'], compileTemplate(auth.user)] as const, [['-ap'], compileTemplate(auth.password)] as const]),
    ...Object.entries(keys).map(([name, text]) => [['-key', name], compileTemplate(text)] as const),
  ];
  return (values) => {
    const known = serverOf(address.render(values) ?? '');
    if (known === null) return address.source;
    const args: string[] = [];
    for (const [flags, template] of written) {
      const text = template.render(values);
      if (text === undefined) return template.source;
      args.push(...flags, text);
    }
    return { server: known, args };
  };
}

/** The limits that follow the number of endpoints: at the start as flags, later as commands to the control port. */
export const rateOf = ({ calls }: SippOptions, slots: number): number | null =>
  calls.rate === undefined ? null : Math.round(calls.rate * slots * 1e6) / 1e6;

export function controlCommands(options: SippOptions, slots: number): string[] {
  const rate = rateOf(options, slots);
  return rate === null ? [`cset users ${slots}`] : [`cset limit ${slots}`, `cset rate ${rate}`];
}

const given = (flag: string, value: string | number | undefined): string[] => (value === undefined ? [] : [flag, String(value)]);

/** The whole command. The server stands last: a stray address among `args` does not replace it. */
export function commandOf(options: SippOptions, { destination, scenarioFolder, localPort, controlPort, slots }: Launch): string[] {
  const { scenario, inject, transport, calls, timeouts, localIp, mediaPort, rtpEcho } = options;
  const rate = rateOf(options, slots);
  return [
    'sipp',
    ...(isFile(scenario) ? ['-sf', join(scenarioFolder, scenario)] : ['-sn', scenario]),
    ...inject.flatMap((path) => ['-inf', join(scenarioFolder, path)]),
    ...['-t', transport, '-p', String(localPort)],
    ...given('-i', localIp),
    ...given('-mi', localIp),
    ...given('-mp', mediaPort),
    ...(rtpEcho ? ['-rtp_echo'] : []),
    ...destination.args,
    ...(rate === null ? ['-users', String(slots)] : ['-r', String(rate), '-l', String(slots)]),
    ...given('-d', calls.length),
    ...given('-recv_timeout', timeouts.receive),
    ...given('-send_timeout', timeouts.send),
    ...['-nostdin', '-buff_size', String(BUFFER_BYTES), '-cp', String(controlPort), '-ci', CONTROL_HOST],
    ...['-trace_stat', '-stf', STATISTICS_FILE, '-fd', '1', '-trace_rtt', '-rtt_freq', '1'],
    ...['-trace_err', '-error_file', 'errors.log', '-max_log_size', String(ERRORS_BYTES_MAX)],
    ...options.args,
    destination.server,
  ];
}
