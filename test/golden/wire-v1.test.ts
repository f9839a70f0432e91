// The bytes of wire version 1, kept. When this fails, nodes of the previous build no longer understand this one: bump WIRE_VERSION, keep the old
// fixture with a test that old bytes are refused as another version, and say so in CHANGELOG.md. `vitest -u` rewrites the fixture.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMessageCodec } from '../../node/wire/message-codec.ts';
import { entryCodec, sampleEntries, sampleGossip, sampleMessages } from '../support/wire-samples.ts';

const FIXTURE = new URL('wire-v1.txt', import.meta.url);
const messageCodec = createMessageCodec(entryCodec);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('wire version 1', () => {
  it('encodes every entry and message to the same bytes as ever', async () => {
    const lines = [
      ...sampleEntries().map((entry) => `entry ${entry.kind} ${entry.hash} ${hex(entryCodec.encode(entry))}`),
      ...Object.values(sampleGossip()).map((gossip) => `gossip ${gossip.type} - ${hex(messageCodec.encodeGossip(gossip))}`),
      ...Object.values(sampleMessages()).map((message) => `message ${message.type} - ${hex(messageCodec.encodeMessage(message))}`),
    ];
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(FIXTURE.pathname);
  });

  it('decodes the kept bytes to what was said', () => {
    const entries = new Map(sampleEntries().map((entry) => [entry.kind, entry]));
    const gossips = sampleGossip();
    const messages = sampleMessages();
    const lines = readFileSync(FIXTURE, 'utf8').trim().split('\n');
    expect(lines.length).toBe(entries.size + Object.keys(gossips).length + Object.keys(messages).length);
    for (const line of lines) {
      const [what = '', type = '', hash, bytes = ''] = line.split(' ');
      const raw = new Uint8Array(Buffer.from(bytes, 'hex'));
      if (what === 'entry') {
        const decoded = entryCodec.decode(raw);
        expect(decoded, line).toEqual({ ok: true, value: entries.get(type as never) });
        expect(decoded.ok && decoded.value.hash).toBe(hash);
      } else {
        const decoded = what === 'gossip' ? messageCodec.decodeGossip(raw) : messageCodec.decodeMessage(raw);
        const said = what === 'gossip' ? gossips[type as keyof typeof gossips] : messages[type as keyof typeof messages];
        expect(decoded, line).toEqual({ ok: true, value: { message: said, refusedEntries: 0 } });
      }
    }
  });
});
