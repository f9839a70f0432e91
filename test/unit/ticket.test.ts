import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTicket, encodeTicket, type Ticket } from '../../bootstrap/ticket.ts';
import { makeIdentity } from '../../node/adapters/identity.ts';

const operator = makeIdentity();
const NOW = 1_800_000_000_000;
const ticket: Ticket = {
  swarmId: 'swarm-7f3a9c',
  swarmKey: new Uint8Array(32).fill(7),
  operatorKey: operator.publicKey,
  seeds: [`/ip4/203.0.113.17/tcp/4001/p2p/${makeIdentity().nodeId}`],
  expectNodes: 12,
  joinWithinMs: 600_000,
  witnesses: 1,
  expiresWallMs: NOW + 3_600_000,
  program: '0.1.0+0123456789ab',
};
const codeOf = (result: { ok: boolean; problems?: readonly { code: string }[] }): string =>
  result.ok ? 'ok' : (result.problems?.[0]?.code ?? '');
const encoded = (() => {
  const result = encodeTicket(ticket, operator.sign);
  if (!result.ok) throw new Error('not encoded');
  return result.value;
})();

/** Changes the content and repairs the checksum, as a forger would. */
function forge(change: (body: Buffer) => void): string {
  const body = Buffer.from(encoded.slice('quilt2-'.length), 'base64url').subarray(0, -4);
  change(body);
  const checksum = createHash('sha256').update('quilt2-').update(body).digest().subarray(0, 4);
  return `quilt2-${Buffer.concat([body, checksum]).toString('base64url')}`;
}

describe('a ticket', () => {
  it('is one line that fits a terminal and carries everything', () => {
    expect(encoded).toMatch(/^quilt2-[A-Za-z0-9_-]+$/);
    expect(encoded.length).toBeLessThanOrEqual(400);
    expect(decodeTicket(encoded, NOW)).toEqual({ ok: true, value: ticket });
  });

  it('survives line breaks and spaces around it', () => {
    const broken = `  ${encoded.slice(0, 70)}\r\n${encoded.slice(70, 150)}\n  ${encoded.slice(150)}\n`;
    expect(decodeTicket(broken, NOW)).toEqual({ ok: true, value: ticket });
  });

  it('cut anywhere is damaged, not forged', () => {
    for (let length = 'quilt2-'.length; length < encoded.length; length++) {
      expect(codeOf(decodeTicket(encoded.slice(0, length), NOW)), `${length}`).toBe('QUILT_TICKET_DAMAGED');
    }
    expect(codeOf(decodeTicket(`${encoded}A`, NOW))).toBe('QUILT_TICKET_DAMAGED');
    expect(codeOf(decodeTicket(encoded + encoded, NOW))).toBe('QUILT_TICKET_DAMAGED');
  });

  it('altered with a repaired checksum is forged', () => {
    const expectNodesAt = (body: Buffer): number => body.length - 36;
    expect(
      codeOf(
        decodeTicket(
          forge((body) => {
            body[expectNodesAt(body)]! ^= 1;
          }),
          NOW,
        ),
      ),
    ).toBe('QUILT_TICKET_FORGED');
    expect(
      codeOf(
        decodeTicket(
          forge((body) => {
            body[5]! ^= 1;
          }),
          NOW,
        ),
      ),
    ).toBe('QUILT_TICKET_FORGED');
    expect(
      codeOf(
        decodeTicket(
          forge(() => {}),
          NOW,
        ),
      ),
    ).toBe('ok');
    const byAnother = encodeTicket(ticket, makeIdentity().sign);
    expect(byAnother.ok && codeOf(decodeTicket(byAnother.value, NOW))).toBe('QUILT_TICKET_FORGED');
  });

  it('is good until it expires, and says when it did', () => {
    expect(codeOf(decodeTicket(encoded, ticket.expiresWallMs - 1))).toBe('ok');
    const result = decodeTicket(encoded, ticket.expiresWallMs);
    expect(codeOf(result)).toBe('QUILT_TICKET_EXPIRED');
    expect(!result.ok && result.problems[0]?.message).toContain('2027-01-15T09:00:00.000Z');
  });

  it.each([
    ['', 'QUILT_TICKET_MALFORMED'],
    ['hello', 'QUILT_TICKET_MALFORMED'],
    ['quilt2', 'QUILT_TICKET_MALFORMED'],
    ['quilt2-', 'QUILT_TICKET_DAMAGED'],
    ['quilt1-abc', 'QUILT_TICKET_VERSION'],
    ['quilt20-abc', 'QUILT_TICKET_VERSION'],
    [`quilt2-${'A'.repeat(100_000)}`, 'QUILT_TICKET_DAMAGED'],
    [`quilt2-${Buffer.alloc(200).toString('base64url')}`, 'QUILT_TICKET_DAMAGED'],
  ])('%.20s is refused as %s', (text, code) => {
    expect(codeOf(decodeTicket(text, NOW))).toBe(code);
  });

  it.each<[string, Partial<Ticket>]>([
    ['a swarm id with a slash', { swarmId: 'a/b' }],
    ['a short key', { swarmKey: new Uint8Array(31) }],
    ['no seed', { seeds: [] }],
    ['nine seeds', { seeds: Array.from({ length: 9 }, () => '/ip4/1.2.3.4/tcp/1') }],
    ['nobody expected', { expectNodes: 0 }],
    ['half a witness', { witnesses: 0.5 }],
    ['a program of two lines', { program: 'a\nb' }],
  ])('with %s is not made', (_what, change) => {
    expect(codeOf(encodeTicket({ ...ticket, ...change }, operator.sign))).toBe('QUILT_TICKET_CONTENT');
  });
});
