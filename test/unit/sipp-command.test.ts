// The command line of a SIPp process, what check() says of options before anything starts, and what the end of a process means.

import { expect, it } from 'vitest';
import { commandOf, controlCommands, destinations, refusalOf } from '../../node/endpoints/sipp/command.ts';
import { endpointType } from '../../node/endpoints/sipp/index.ts';
import { optionsShape, type SippOptions } from '../../node/endpoints/sipp/options.ts';
import { firstErrorIn, outcomeOf } from '../../node/endpoints/sipp/outcome.ts';

const optionsOf = (written: object = {}): SippOptions => optionsShape.parse({ server: '127.0.0.1', ...written });
const text = (written: object, slots = 4): string => {
  const options = optionsOf(written);
  const destination = destinations(options)({ 'endpoint.id': 'e7' });
  if (typeof destination === 'string') throw new Error(destination);
  return commandOf(options, { destination, scenarioFolder: '/run', localPort: 7000, controlPort: 7001, slots }).join(' ');
};

it('makes as many users as there are endpoints, or a rate with a limit', () => {
  expect(text({})).toContain('sipp -sn uac -t u1 -p 7000 -users 4 ');
  expect(text({ calls: { rate: 0.1, length: '2s' } }, 3)).toContain('-r 0.3 -l 3 -d 2000 ');
  expect(controlCommands(optionsOf(), 9)).toEqual(['cset users 9']);
  expect(controlCommands(optionsOf({ calls: { rate: 0.1 } }), 3)).toEqual(['cset limit 3', 'cset rate 0.3']);
});

it('finds files beside the scenario, renders templates, and ends in the server', () => {
  const written = {
    server: '10.0.0.1',
    scenario: './a.xml',
    inject: ['./u.csv'],
    user: '${endpoint.id}',
    keys: { room: 'r-${endpoint.id}' },
  };
  const line = text({ ...written, auth: { user: 'u', password: 'p' }, args: ['-trace_logs', '10.9.9.9'] });
  expect(line).toContain('-sf /run/a.xml -inf /run/u.csv ');
  expect(line).toContain('-s e7 -au u -ap p -key room r-e7 ');
  expect(line).toMatch(/-trace_logs 10\.9\.9\.9 10\.0\.0\.1:5060$/);
});

it('says which text cannot be rendered', () => {
  expect(destinations(optionsOf({ user: '${meeting.pin}' }))({})).toBe('${meeting.pin}');
  expect(destinations(optionsOf({ server: '${meeting.host}' }))({ 'meeting.host': 'not a host' })).toBe('${meeting.host}');
});

it.each(['-rsa', '-users', '--users', '-nostdin', '-sf', '-bg'])('refuses the argument %s', (flag) => {
  expect(refusalOf(flag)).toMatch(/./);
});

it('lets other arguments through', () => {
  expect(['-trace_logs', '-nr', '10', '-default_behaviors'].map(refusalOf)).toEqual([undefined, undefined, undefined, undefined]);
});

it.each([
  [{}, false, true, ['QUILT_SIPP_MISSING']],
  [{}, true, true, []],
  [{ scenario: './a.xml', inject: ['./b.csv', './c.csv'] }, true, false, ['QUILT_SIPP_FILE', 'QUILT_SIPP_FILE', 'QUILT_SIPP_FILE']],
  [{ scenario: 'uas' }, true, true, ['QUILT_SIPP_SCENARIO']],
  [{ server: 'sip:x@y' }, true, true, ['QUILT_SIPP_SERVER']],
  [{ server: '${targets.sip}' }, true, true, []],
  [{ args: ['-rsa', '10.9.9.9'] }, true, true, ['QUILT_SIPP_ARGUMENT']],
])('check() of %j, sipp there: %s, files there: %s', (written, isThere, hasFiles, codes) => {
  const facts = { commandExists: () => isThere, fileExists: () => hasFiles };
  const problems = endpointType.check?.(optionsOf(written), facts) ?? [];
  expect(problems.map(({ code }) => code)).toEqual(codes);
  for (const { hint } of problems) expect(hint).toMatch(/./);
});

it('costs more with more calls', () => {
  const cost = (rate: number): number => endpointType.costMillicores(optionsOf({ calls: { rate } }));
  expect(cost(10) - cost(5)).toBeCloseTo(0.55);
});

const refused = 'Error on TCP connection, remote peer probably closed the socket: Connection refused';
it.each([
  [0, false, 0, '', null],
  [0, true, 0, '', null],
  [1, false, 3, '', null],
  [1, false, 0, "Unable to load or parse 'bad.xml' xml scenario file", 'generator simulator-crashed'],
  [97, false, 0, '', 'generator simulator-crashed'],
  [99, true, 0, '', null],
  [99, false, 0, '', 'generator simulator-crashed'],
  [253, false, 0, '', 'generator simulator-crashed'],
  [254, true, 0, 'Unable to bind main socket', 'generator simulator-crashed'],
  [255, false, 0, refused, 'target connect-refused'],
  [255, true, 2, refused.replace('refused', 'reset by peer'), 'target reset'],
  [255, false, 0, "Unknown remote host 'x'.", 'target dns'],
  [255, false, 0, 'Unable to create socket: Too many open files', 'generator sockets-exhausted'],
  [255, false, 0, 'Overload warning: the watchdog timer', 'generator simulator-crashed'],
  [139, true, 0, '', 'generator simulator-crashed'],
  [null, false, 0, '', 'generator simulator-crashed'],
])('exit code %s, asked: %s, failed calls: %s, %s: %s', (code, isAsked, failedCalls, error, expected) => {
  const outcome = outcomeOf({ isStarted: true, code, how: `exit code ${code}` }, { isAsked, failedCalls, error });
  expect(outcome === null ? null : `${outcome.side} ${outcome.cause}`).toBe(expected);
  if (outcome !== null) expect(outcome.example).toContain(error === '' ? 'exit code' : error);
});

it('finds the first error after what SIPp prints before it', () => {
  const line = (of: string): string => `2026-11-25\t13:42:52.860668\t1795614172.860668: ${of}\n`;
  expect(firstErrorIn(`Resolving remote host 'nohost.invalid'... ${line("Unknown remote host 'nohost.invalid'.")}Use 'sipp -h'\n`)).toBe(
    "Unknown remote host 'nohost.invalid'.",
  );
  expect(firstErrorIn(line('one') + line('two'))).toBe('one');
  expect(firstErrorIn("Resolving remote host '127.0.0.1'... Done.\n")).toBe('');
});
