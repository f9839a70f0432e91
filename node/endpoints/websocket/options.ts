// What a person writes under `behavior:` of a group with `type: websocket`. Nothing here knows a particular server: how it greets, echoes,
// and marks messages is said by conditions and paths. Names for templates while sending: ${message.id}, ${message.seq}, ${message.sentAtMs}
// (when the message was due, ms from T0), ${message.padding}; from `before`: ${captured.NAME}.

import { z } from 'zod';
import { durationShape, headersShape, jsonPathShape, jsonShape, nameShape, statusesShape, thinkShape } from '../../core/option-shapes.ts';

/** Which incoming messages are meant; all given parts must hold. */
export const conditionShape = z
  .strictObject({
    json: jsonPathShape.optional(),
    equals: z.union([z.string(), z.number(), z.boolean()]).optional().describe('The value at `json`; text may hold ${...}.'),
    contains: z.string().optional().describe('Text that the message contains.'),
  })
  .refine((condition) => condition.json !== undefined || condition.contains !== undefined, {
    message: 'say json (with equals) or contains',
  });

const payloadShape = z
  .strictObject({ json: jsonShape.optional(), text: z.string().optional() })
  .refine((payload) => (payload.json === undefined) !== (payload.text === undefined), { message: 'a message is json or text' });

/** An HTTP call before connecting (log in, fetch a token) or after leaving. Counted as ws_http_*, a failure of `before` ends the life. */
const callShape = z.strictObject({
  name: z.string().max(80).optional(),
  method: z
    .string()
    .regex(/^[A-Z]{1,20}$/)
    .default('POST'),
  url: z.string().min(1),
  headers: headersShape.default({}),
  json: jsonShape.optional(),
  expect: statusesShape.default([[200, 299]]),
  captures: z.record(nameShape, jsonPathShape).default({}).describe('Name -> path into the JSON answer.'),
  timeout: durationShape.default(10_000),
});

export const optionsShape = z.strictObject({
  url: z.string().min(1).describe('ws:// or wss://; may hold ${...}.'),
  headers: headersShape.default({}),
  subprotocols: z.array(z.string()).max(10).default([]),
  insecureTls: z.boolean().default(false),
  connectTimeout: durationShape.default(10_000),
  messageBytesMax: z
    .int()
    .min(125)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('A larger incoming message is an error.'),
  before: z.array(callShape).max(10).default([]),
  after: z.array(callShape).max(10).default([]),
  hello: z.array(payloadShape).max(20).default([]).describe('Sent right after the connection opened: log in, subscribe.'),
  joinedWhen: conditionShape.optional().describe('The endpoint is in when this message came; default: when the connection opened.'),
  joinTimeout: durationShape.default(10_000),
  send: z
    .strictObject({
      rate: z
        .number()
        .positive()
        .max(10_000)
        .describe('Messages per second and endpoint, sent on schedule whatever comes back (open model).'),
      arrivals: z.enum(['even', 'poisson']).default('even'),
      json: jsonShape.optional(),
      text: z.string().optional(),
      size: z
        .int()
        .min(1)
        .max(1024 * 1024)
        .optional()
        .describe('Bytes of the whole message, reached through ${message.padding}.'),
      behindMax: durationShape.default(5_000).describe('Messages that are later than this are skipped and counted.'),
    })
    .refine((send) => (send.json === undefined) !== (send.text === undefined), { message: 'a message is json or text' })
    .optional(),
  roundTrip: z
    .strictObject({
      when: conditionShape.describe('The answer to an own message, or its echo.'),
      id: jsonPathShape.describe('Where that answer carries ${message.id}.'),
      timeout: durationShape.default(10_000),
    })
    .optional()
    .describe('Measures ws_rtt: from when an own message was due until its answer or echo came.'),
  delivery: z
    .strictObject({
      when: conditionShape.describe('A message that another endpoint sent.'),
      id: jsonPathShape.optional().describe('Where it carries ${message.id}; needed to leave out own ones and to find gaps.'),
      sentAt: jsonPathShape.describe('Where it carries ${message.sentAtMs}.'),
    })
    .optional()
    .describe('Measures ws_delivery: from when another endpoint was due to send until it arrived here.'),
  ping: durationShape.optional().describe('WebSocket ping at this period; ws_ping measures the answer.'),
  reconnect: z
    .strictObject({ attempts: z.int().min(0).max(1000).default(3), wait: thinkShape, factor: z.number().min(1).max(10).default(2) })
    .optional()
    .describe('After a lost connection; default: the life ends.'),
  goodbye: z.array(payloadShape).max(20).default([]).describe('Sent before leaving.'),
  closeCode: z.int().min(1000).max(4999).default(1000),
});

export type WebsocketOptions = z.output<typeof optionsShape>;
export type Condition = z.output<typeof conditionShape>;
export type Call = z.output<typeof callShape>;
export type Payload = z.output<typeof payloadShape>;
