// SIP on a stream: the same messages whatever the pieces, keep-alives, faults that are passed over and faults that end it, and bounded memory.

import { describe, expect, it } from 'vitest';
import { createSipFramer, type SipFramer, type SipFramerInit } from '../../node/wire/sip/framing.ts';
import { HEAD_BYTES_MAX } from '../../node/wire/sip/head.ts';
import { bye, invite, inviteOk, register, sipSamples } from '../support/sip-samples.ts';

/** What a framer tells, as text in order. */
function listen(init: Partial<SipFramerInit> = {}): { framer: SipFramer; heard: string[]; push: (text: string, size?: number) => void } {
  const heard: string[] = [];
  const framer = createSipFramer({
    onMessage: ({ cseqMethod, kind, body }) => heard.push(`${kind} ${cseqMethod} ${body.length}`),
    onFailure: ({ kind, answer }, isDead) => heard.push(`${kind} ${answer}${isDead ? ' dead' : ''}`),
    onPing: () => heard.push('ping'),
    ...init,
  });
  function push(text: string, size = Number.MAX_SAFE_INTEGER): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = Buffer.from(bytes.subarray(at, at + size));
      framer.push(piece);
      // A socket's buffer is used again.
      piece.fill(0x2e);
    }
  }
  return { framer, heard, push };
}

const bodyBytes = Buffer.byteLength(invite.slice(invite.indexOf('v=0')));
const story = `${invite}\r\n\r\n${inviteOk}\r\n${bye}${register}`;
const told = [`request INVITE ${bodyBytes}`, 'ping', `response INVITE ${bodyBytes}`, 'request BYE 0', 'request REGISTER 0'];

describe('messages', () => {
  it.each([1, 2, 3, 7, 100, 1000, 1_000_000])('in pieces of %d bytes', (size) => {
    const { heard, push, framer } = listen();
    push(story, size);
    expect(heard).toEqual(told);
    expect(framer.pendingBytes()).toBe(0);
  });

  it('wait for the rest of their head and body', () => {
    const { heard, push, framer } = listen();
    push(invite.slice(0, 200));
    expect(framer.pendingBytes()).toBe(200);
    push(invite.slice(200, -1));
    expect([heard, framer.pendingBytes()]).toEqual([[], Buffer.byteLength(invite) - 1]);
    push(`${invite.slice(-1)}${bye}BYE`);
    expect([heard, framer.pendingBytes()]).toEqual([[`request INVITE ${bodyBytes}`, 'request BYE 0'], 3]);
  });

  it('are whole whatever the line ends between them', () => {
    const { heard, push } = listen({ onPing: () => {} });
    push(sipSamples.join('\r\n\r\n\r\n\r\n\r\n'), 11);
    expect(heard).toHaveLength(sipSamples.length);
  });
});

describe('keep-alives', () => {
  it('are answered by pairs, in any pieces', () => {
    const { heard, push, framer } = listen();
    push('\r\n');
    expect(heard).toEqual([]);
    push('\r\n\r\n\r\n', 1);
    expect([heard, framer.pendingBytes()]).toEqual([['ping', 'ping'], 0]);
  });

  it('do not add up over a message', () => {
    const { heard, push } = listen();
    push(`\r\n${bye}\r\n${bye}\r\n`);
    expect(heard).toEqual(['request BYE 0', 'request BYE 0']);
  });
});

describe('faults', () => {
  const faulty = invite.replace('CSeq: 1', 'CSeq: x');

  it('within a message that has its end are passed over', () => {
    const { heard, push } = listen();
    push(`${faulty}${bye}`, 50);
    expect(heard).toEqual(['cseq 400', 'request BYE 0']);
  });

  it.each([
    ['no length', invite.replace(/Content-Length.*\r\n/, ''), 'content-length 400 dead'],
    ['a negative length', invite.replace(/Content-Length: /, 'l: -'), 'content-length 400 dead'],
    ['two lengths', invite.replace('Content-Length', 'l: 0\r\nContent-Length'), 'duplicate-header 400 dead'],
    ['a message over the limit', invite.replace(/Content-Length: \d+/, 'l: 300000'), 'too-large 413 dead'],
    ['garbage', 'EHLO me\r\n\r\n', 'garbage null dead'],
    ['headers without end', `INVITE sip:a SIP/2.0\r\n${'X: y\r\n'.repeat(11_000)}`, 'too-large null dead'],
    ['a head over the limit', bye.replace('Reason', `X: ${'y'.repeat(HEAD_BYTES_MAX)}\r\nReason`), 'too-large null dead'],
  ])('without a known end are the last: %s', (_what, text, last) => {
    for (const size of [64, 1_000_000]) {
      const { heard, push, framer } = listen();
      push(`${bye}${text}${bye}`, size);
      expect(heard).toEqual(['request BYE 0', last]);
      expect(framer.pendingBytes()).toBe(0);
    }
  });

  it('keep no more than the limit and one piece', () => {
    const { push, framer } = listen({ bytesMax: 2000 });
    push(invite.replace(/Content-Length: \d+/, 'Content-Length: 1200'));
    let most = 0;
    for (let turn = 0; turn < 100; turn++) {
      push('x'.repeat(50));
      most = Math.max(most, framer.pendingBytes());
    }
    expect(most).toBeLessThanOrEqual(2050);
  });
});
