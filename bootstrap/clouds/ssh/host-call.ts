// One call of a host: a shell program goes to `sh` there through the system's own ssh, on standard input, so that nothing secret is in an argument list. The
// operator's ssh configuration, agent and known hosts count as they do by hand; nothing is ever asked (BatchMode), no connection is shared, and a
// host that stays silent is given up. What ssh says about a failure becomes a refusal with what to do; it says it in English only.

import { spawn } from 'node:child_process';
import type { Refusal } from '../../cloud.ts';
import type { Host } from './inventory.ts';

export interface HostAnswer {
  /** Lines that the program meant for us, without their mark. */
  readonly lines: readonly string[];
  readonly refusal: Refusal | null;
}

/** Login scripts print too; only lines with this mark are ours. */
export const ANSWER_MARK = 'quilt: ';

/** Ending a machine politely is the longest program, 20 s; a slow host logs in for as long again. */
const CALL_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const OPTIONS = {
  ...{ BatchMode: 'yes', ControlMaster: 'no', ControlPath: 'none', ConnectTimeout: '10', ConnectionAttempts: '1' },
  ...{ ServerAliveInterval: '5', ServerAliveCountMax: '3', ForwardAgent: 'no', ForwardX11: 'no', ClearAllForwardings: 'yes' },
};

function sshWords({ host, user, port }: Host, configPath: string | undefined): string[] {
  const options = Object.entries(OPTIONS).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const config = configPath === undefined ? [] : ['-F', configPath];
  return ['-T', ...config, ...options, '-p', String(port), ...(user === null ? [] : ['-l', user]), '--', host, 'sh -s'];
}

export function callHost(host: Host, program: string, configPath: string | undefined): Promise<HostAnswer> {
  return new Promise((resolve) => {
    const child = spawn('ssh', sshWords(host, configPath), { timeout: CALL_MS_MAX, killSignal: 'SIGKILL' });
    const text = { out: '', err: '' };
    const keep = (name: 'out' | 'err') => (chunk: string) => {
      text[name] = (text[name] + chunk).slice(0, OUTPUT_BYTES_MAX);
    };
    child.stdout.setEncoding('utf8').on('data', keep('out'));
    child.stderr.setEncoding('utf8').on('data', keep('err'));
    // The host closed before it had read all: its exit code says why.
    child.stdin.on('error', () => {});
    child.stdin.end(program);
    child.on('error', (error) => resolve({ lines: [], refusal: noSsh(error) }));
    child.on('close', (code) => {
      const lines = text.out.split('\n').filter((line) => line.startsWith(ANSWER_MARK));
      resolve({ lines: lines.map((line) => line.slice(ANSWER_MARK.length)), refusal: code === 0 ? null : refusalOf(host, code, text.err) });
    });
  });
}

const noSsh = (error: Error): Refusal => ({
  ...{ code: 'QUILT_SSH_MISSING', message: `ssh does not start: ${error.message}`, cause: 'invalid' },
  hint: 'install the OpenSSH client (openssh-client)',
});

/** ssh itself leaves with 255, whatever it failed at; other codes are the program's. */
function refusalOf(host: Host, code: number | null, text: string): Refusal {
  const { name } = host;
  const byHand = `ssh -p ${host.port} ${host.user === null ? '' : `${host.user}@`}${host.host}`;
  const said = text.trim().split('\n').slice(-3).join(' ').slice(0, 500);
  const refusal = (kind: `QUILT_SSH_${string}`, cause: Refusal['cause'], message: string, hint: string): Refusal => ({
    ...{ code: kind, message: `${name}: ${message}`, hint, cause },
  });
  if (code === null) return refusal('QUILT_SSH_UNREACHABLE', 'unreachable', `no answer in ${CALL_MS_MAX / 1000} s`, `try ${byHand}`);
  if (code !== 255) return refusal('QUILT_SSH_PROGRAM', 'vendor', `the host left with ${code}: ${said}`, 'quilt-swarm doctor --cloud ssh');
  if (/IDENTIFICATION HAS CHANGED/.test(text))
    return refusal(
      'QUILT_SSH_HOST_KEY',
      'credentials',
      'its host key is another one than before',
      `if you know why: ssh-keygen -R, then ${byHand}`,
    );
  if (/Host key verification failed/.test(text))
    return refusal('QUILT_SSH_HOST_KEY', 'credentials', 'its host key is not known', `compare it once by hand: ${byHand}`);
  if (/Permission denied/.test(text))
    return refusal(
      'QUILT_SSH_AUTH',
      'credentials',
      'it admits none of the keys',
      `load the key (ssh-add) until this asks nothing: ${byHand}`,
    );
  if (/Bad (configuration|owner)|terminating, \d+ bad|Can't open user config/.test(text))
    return refusal('QUILT_SSH_CONFIG', 'invalid', said, 'mend the ssh configuration file (QUILT_SSH_CONFIG, or ~/.ssh/config)');
  return refusal('QUILT_SSH_UNREACHABLE', 'unreachable', said || 'no connection', `try ${byHand}, or take it out of QUILT_SSH_HOSTS`);
}
