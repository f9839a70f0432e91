// What a person writes under `behavior:` of a group with `type: sipp`: their SIPp scenario and injection files, where it calls, and how much. What SIPp
// can do beyond that is `args`; the flags that the supervisor needs for itself are refused there (command.ts).

import { z } from 'zod';
import { durationShape } from '../../core/option-shapes.ts';

/** Files of the scenario are written ./like/this: they travel with it. */
const fileShape = z.string().regex(/^\.{1,2}\/./, 'expected ./file, relative to the scenario');

export const optionsShape = z.strictObject({
  server: z.string().min(1).describe('HOST or HOST:PORT (5060) that SIPp calls.'),
  scenario: z.string().min(1).default('uac').describe("./file.xml, or one of SIPp's own: uac, regexp, branchc."),
  inject: z.array(fileShape).max(20).default([]).describe('CSV files, ./file.csv: [field0] and so on (-inf).'),
  transport: z
    .enum(['u1', 'un', 't1', 'tn', 'l1', 'ln'])
    .default('u1')
    .describe('UDP, TCP or TLS; one socket for a process or one for each call.'),
  user: z.string().min(1).optional().describe('User part of the request URI (-s).'),
  auth: z.strictObject({ user: z.string().min(1), password: z.string() }).optional(),
  keys: z
    .record(z.string().regex(/^[A-Za-z_]\w{0,63}$/), z.string())
    .default({})
    .describe('[name] in the XML (-key).'),
  calls: z
    .strictObject({
      rate: z.number().positive().max(10_000).optional().describe('Calls a second of one endpoint; without it the next follows the last.'),
      length: durationShape.optional().describe('Of pauses that say no time of their own (-d).'),
    })
    .prefault({}),
  timeouts: z
    .strictObject({ receive: durationShape.optional(), send: durationShape.optional() })
    .prefault({})
    .describe('Of every expected and every sent message (-recv_timeout, -send_timeout).'),
  localIp: z.string().min(1).optional().describe('Own address in Via, Contact and SDP (-i, -mi).'),
  mediaPort: z.int().min(1024).max(65_000).optional().describe('First port for media (-mp); a process takes the next free ones.'),
  rtpEcho: z.boolean().default(false).describe('Send received RTP back (-rtp_echo).'),
  args: z.array(z.string()).max(100).default([]).describe('More arguments for SIPp, as they stand.'),
  endpointsPerProcess: z.int().min(1).max(10_000).default(100),
  startTimeout: durationShape.default(10_000).describe('From start of the process to its first statistics.'),
});

export type SippOptions = z.output<typeof optionsShape>;

export const isFile = (path: string): boolean => path.startsWith('./') || path.startsWith('../');
