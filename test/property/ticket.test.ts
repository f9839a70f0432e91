import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTicket, encodeTicket, type Ticket } from '../../bootstrap/ticket.ts';
import { identityFromSeed } from '../../node/adapters/identity.ts';

const operator = identityFromSeed(new Uint8Array(32).fill(4));
const tickets: fc.Arbitrary<Ticket> = fc.record({
  swarmId: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
  swarmKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  operatorKey: fc.constant(operator.publicKey),
  seeds: fc.array(fc.string({ maxLength: 100 }), { minLength: 1, maxLength: 8 }),
  expectNodes: fc.integer({ min: 1, max: 4096 }),
  joinWithinMs: fc.integer({ min: 1000, max: 604_800_000 }),
  witnesses: fc.integer({ min: 0, max: 64 }),
  program: fc.stringMatching(/^[\w.+-]{1,64}$/),
  expiresWallMs: fc.integer({ min: 1, max: 2 ** 45 }),
});
const encode = (ticket: Ticket): string => {
  const result = encodeTicket(ticket, operator.sign);
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.value;
};

describe('tickets', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(tickets, (ticket) => {
        expect(decodeTicket(encode(ticket), 0)).toEqual({ ok: true, value: ticket });
      }),
    );
  });

  it('with any one character changed are refused', () => {
    const characters = [...'ABCabc012-_/+= é'];
    fc.assert(
      fc.property(tickets, fc.nat(), fc.constantFrom(...characters), (ticket, at, character) => {
        const text = encode(ticket);
        const index = at % text.length;
        fc.pre(text[index] !== character);
        expect(decodeTicket(text.slice(0, index) + character + text.slice(index + 1), 0).ok).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('with every character changed in turn are refused', () => {
    const [ticket] = fc.sample(tickets, { numRuns: 1, seed: 1 });
    if (ticket === undefined) throw new Error('no sample');
    const text = encode(ticket);
    for (let index = 0; index < text.length; index++) {
      for (const character of 'AZaz09-_') {
        if (text[index] === character) continue;
        expect(decodeTicket(text.slice(0, index) + character + text.slice(index + 1), 0).ok, `${index} ${character}`).toBe(false);
      }
    }
  });

  it('of any text never throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `quilt2-${text}`),
        ),
        (text) => {
          expect(decodeTicket(text, 0).ok).toBe(false);
        },
      ),
    );
  });
});
