// Who looks and what they may do: login, session, orders to the swarm.

import { z } from 'zod';
import { FACTOR_MAX } from '../protocol.ts';
import { flag, maybe, named, request, text } from './parts.ts';

export const loginRequest = request(
  'LoginRequest',
  'A code from the terminal, the part of the link behind the #.',
  z.strictObject({ code: z.string().min(1).max(200).describe("an operator's code is good once, a reader's until it expires") }),
  { code: 'q0V9yq3r4nS7mZ1bX8cLtK2d' },
);

export const nothing = request('Nothing', 'No fields: {}.', z.strictObject({}), {});

export const isDone = named(
  'IsDone',
  'It was done, and there is nothing to tell.',
  z.strictObject({ ok: z.literal(true).describe('always true') }),
  {
    ok: true,
  },
);

export const sessionView = named(
  'SessionView',
  'Who is looking, at what.',
  z.strictObject({
    protocol: z.literal(1).describe('version of this API'),
    version: text('version of the program'),
    mode: z
      .enum(['watch', 'catapult'])
      .describe('watch: a running swarm, with a ticket or inside a run. catapult: no swarm yet; scenarios can be planned and started here'),
    swarmId: maybe(text('null = not known')),
    canSteer: flag("the console holds the operator's key, and this session may use it"),
    canStart: flag('this session may edit and start scenarios on this machine'),
    canShare: flag('this session may make links that only read'),
    watchesBecause: z
      .enum(['link', 'key'])
      .nullable()
      .describe("why it cannot steer: the link or token only reads, or this console has no operator's key; null = it can"),
  }),
  { protocol: 1, version: '0.1.0', mode: 'catapult', swarmId: null, canSteer: true, canStart: true, canShare: true, watchesBecause: null },
);

export const done = named('Done', 'It was done.', z.strictObject({ command: text('the command that does the same in a terminal') }), {
  command: 'quilt-swarm run my-service.yaml -n 2',
});

export const orderRequest = request(
  'OrderRequest',
  'An order to the running swarm, signed with the key that the console holds.',
  z.discriminatedUnion('order', [
    z.strictObject({
      order: z.literal('stop').describe('ends the run'),
      mode: z.enum(['drain', 'now']).describe('drain: endpoints leave as they would; now: they are cut off'),
    }),
    z.strictObject({
      order: z.literal('scale').describe('changes the load while it runs'),
      group: z.string().min(1).max(200).describe('name of an endpoint group; * = all'),
      factor: z.number().min(0).max(FACTOR_MAX).describe('of the planned load, of the whole swarm: 1 = as planned, 0.5 = half of it'),
    }),
  ]),
  { order: 'stop', mode: 'drain' },
  { order: 'scale', group: '*', factor: 0.5 },
);

export const shareView = named(
  'ShareView',
  'A link that only reads.',
  z.strictObject({
    link: text('for a browser; good as often as it is used, until it expires'),
    command: text('the command that makes one in a terminal'),
  }),
  { link: 'http://127.0.0.1:7717/login#q0V9yq3r4nS7mZ1bX8cLtK2d', command: 'quilt-swarm console --share' },
);
