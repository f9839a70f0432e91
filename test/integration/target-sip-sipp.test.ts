// A client that is not ours calls the embedded target: SIPp with its built-in scenarios, over UDP and TCP, also by way of an address given apart from the
// one that is called (-rsa).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startTarget, type Target } from '../../tools/target/target.ts';
import { needs } from '../support/parts.ts';

const CALLS = 40;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<{ target: Target; meetingId: string }> {
  const target = await startTarget({ serviceTimeMs: 0, serviceTimeJitterMs: 0, sipAnswerDelayMs: 5 });
  cleanups.push(() => target.stop());
  const body = JSON.stringify({ title: 'sipp' });
  const created = await fetch(`${target.url}/api/meetings`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return { target, meetingId: ((await created.json()) as { id: string }).id };
}

/** Exit code and the end of what SIPp said. */
async function sipp(...flags: string[]): Promise<{ code: number; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-sipp-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(
    'sipp',
    ['-i', '127.0.0.1', '-nostdin', '-m', String(CALLS), '-r', '100', '-d', '50', '-timeout', '20s', '-timeout_error', ...flags],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  cleanups.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  return { code, output: output.slice(-2_000) };
}

const part = needs('sipp');

describe.skipIf(part.isMissing)(part.title('SIPp calls the target'), () => {
  test.each([
    ['UDP', ['-t', 'u1']],
    ['TCP, one connection', ['-t', 't1']],
    ['TCP, a connection for each call', ['-t', 'tn', '-max_socket', '500']],
  ])('uac over %s', async (_name, flags) => {
    const { target, meetingId } = await start();
    const { code, output } = await sipp('-sn', 'uac', '-s', meetingId, ...flags, `127.0.0.1:${target.sipPort}`);
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    expect(target.stats().sip).toMatchObject({
      calls: { active: 0, total: CALLS, answered: CALLS, rejected: {}, ended: { caller: CALLS } },
      requests: { INVITE: CALLS, ACK: CALLS, BYE: CALLS },
      malformed: {},
      unknownDialogs: 0,
    });
    expect(target.stats().participants).toMatchObject({ active: 0, total: CALLS });
  });

  test('uac by way of the target (-rsa), to a domain of another name', async () => {
    const { target, meetingId } = await start();
    const { code, output } = await sipp('-sn', 'uac', '-s', meetingId, '-rsa', `127.0.0.1:${target.sipPort}`, '127.0.0.2:5060');
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    expect(target.stats().sip.calls).toMatchObject({ answered: CALLS, ended: { caller: CALLS } });
  });

  test('an unknown meeting: SIPp counts every call as failed, and its ACKs end the refusals', async () => {
    const { target } = await start();
    const { code } = await sipp('-sn', 'uac', '-s', 'nobody', `127.0.0.1:${target.sipPort}`);
    expect(code).toBe(1);
    expect(target.stats().sip.calls).toMatchObject({ total: 0, rejected: { 404: CALLS } });
  });
});
