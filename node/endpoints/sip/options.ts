// What a person writes under `behavior:` of a group with `type: sip`: a phone that registers, calls into a meeting or answers calls, sends and
// receives media, and does what people do in calls (talk, mute, hold, press keys, leave, come back). Media is media-options.ts.

import { z } from 'zod';
import { durationShape, headersShape, thinkShape } from '../../core/option-shapes.ts';
import { mediaShape } from './media-options.ts';

const digitsShape = z.string().regex(/^(\$\{[\w.-]+\}|[0-9*#A-Da-d])+$/, 'expected digits 0-9 * # A-D, or ${...}');

/** One thing to do in a call. Each is a map of one key, so that a list reads like a script. */
const stepShape = z.union([
  z.strictObject({ talk: thinkShape.describe('Send and receive.') }),
  z.strictObject({ mute: thinkShape.describe('Stop sending, go on receiving.') }),
  z.strictObject({ hold: thinkShape.describe('re-INVITE with sendonly (RFC 3264, 8.4), and back afterwards.') }),
  z.strictObject({ dtmf: digitsShape.describe('Press keys: RFC 4733 events, or INFO where the peer cannot.') }),
  z.strictObject({ info: z.strictObject({ type: z.string(), body: z.string() }) }),
  z.strictObject({ options: z.literal(true).describe('Send OPTIONS and wait for the answer.') }),
  z.strictObject({ rejoin: thinkShape.describe('Hang up, wait, call again.') }),
  z.strictObject({ leave: z.literal(true).describe('Hang up; the life is over.') }),
]);

export const optionsShape = z.strictObject({
  server: z.string().min(1).describe('Where requests go: sip:HOST[:PORT][;transport=udp|tcp|tls]. Registrar, proxy or bridge.'),
  from: z.string().optional().describe('Own address; default sip:${endpoint.id}@HOST of the server.'),
  displayName: z.string().optional(),
  auth: z
    .strictObject({ user: z.string().min(1), password: z.string() })
    .optional()
    .describe('For 401 and 407: MD5 or SHA-256.'),
  register: z
    .strictObject({
      registrar: z.string().optional().describe('Request-URI; default: sip:DOMAIN of `from`.'),
      expires: durationShape.default(600_000),
    })
    .optional()
    .describe('Register before anything else, refresh in time, unregister on leave.'),
  call: z.string().optional().describe('Whom to call, e.g. sip:${meeting.id}@HOST. Without it the endpoint waits for calls.'),
  answer: z
    .strictObject({ after: thinkShape.default({ distribution: 'fixed', ms: 0 }), ring: z.boolean().default(true) })
    .optional()
    .describe('How an endpoint that waits answers.'),
  pin: z
    .strictObject({ digits: digitsShape, after: durationShape.default(500) })
    .optional()
    .describe('Keys pressed after the answer, e.g. ${meeting.passcode}#.'),
  joinedWhen: z.enum(['answered', 'media']).default('answered').describe('The endpoint is in: at the 200, or with the first packet.'),
  media: mediaShape.prefault({}),
  do: z
    .array(stepShape)
    .min(1)
    .max(100)
    .default([{ talk: { distribution: 'fixed', ms: 3_600_000 } }]),
  repeat: z.boolean().default(false).describe('The steps start again when they are through; otherwise the last state stays.'),
  redial: z
    .strictObject({ attempts: z.int().min(0).max(1000).default(3), wait: thinkShape, factor: z.number().min(1).max(10).default(2) })
    .optional()
    .describe('After a call that failed or was dropped; Retry-After is honoured. Default: the life ends.'),
  peerHangUp: z
    .enum(['failure', 'normal'])
    .optional()
    .describe('What a BYE from the other side is. Default: failure for who called, normal for who answered.'),
  answerTimeout: durationShape.default(60_000).describe('INVITE without a final answer for this long is cancelled.'),
  headers: headersShape.default({}).describe('Further headers of the INVITE; may hold ${...}.'),
  sessionExpires: durationShape.optional().describe('Session timer asked for (RFC 4028), 90 s at least.'),
  reliableProvisional: z.boolean().default(false).describe('Offer and use 100rel (RFC 3262).'),
  localPort: z.enum(['shared', 'own']).default('shared').describe('SIP port: one for all endpoints of a worker, or one each.'),
  insecureTls: z.boolean().default(false),
  t1: durationShape
    .default(500)
    .describe('Round-trip estimate of RFC 3261, 17.1.1.1: retransmissions start after it, give up after 64 of it.'),
  userAgent: z.string().default('quilt-swarm'),
});

export type SipOptions = z.output<typeof optionsShape>;
export type Step = SipOptions['do'][number];
