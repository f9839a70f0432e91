// Machines that a launch rents, and what they cost: as Catapult asks and is answered.

import { z } from 'zod';
import { PLACEMENTS_MAX } from '../protocol.ts';
import { count, figure, flag, maybe, ms, named, request, text, texts } from './parts.ts';
import { problemView } from './problems.ts';

const WORD_LENGTH_MAX = 200;
const HOST = /^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/;
const MAX_COST_USD = 1e9;

/** A word of a command line, which must not pass for a flag. */
const placement = z.string().min(1).max(WORD_LENGTH_MAX).regex(/^[^-]/);

export const machinesRequest = request(
  'MachinesRequest',
  'Machines of a launch, in the words of `launch`.',
  z.strictObject({
    on: z.array(placement).max(PLACEMENTS_MAX).describe('CLOUD:REGION:TYPE=N, as --on takes it'),
    mix: z.array(placement).max(PLACEMENTS_MAX).describe('instead: CLOUD:REGION, as --mix takes it'),
    spotSharePercent: z.int().min(0).max(100).default(0).describe('of the machines of a mix, percent'),
    host: z
      .string()
      .regex(HOST)
      .nullable()
      .default(null)
      .describe('--host: where the machines reach this computer; null for those that are on it'),
    maxCostUsd: z.number().positive().max(MAX_COST_USD).nullable().default(null).describe('--max-cost, US dollars; null = no limit'),
  }),
  { on: ['aws:eu-central-1:c7i.xlarge=4'], mix: [], spotSharePercent: 0, host: 'load.example.com', maxCostUsd: 5 },
);

export const agreedUsd = z
  .number()
  .min(0)
  .optional()
  .describe('what the person who starts it saw as its cost: a launch that costs more is refused');

export const cloudList = named(
  'CloudRows',
  'Where machines can be rented.',
  z.array(
    named(
      'CloudRow',
      'One of them.',
      z.strictObject({
        name: text('as --on takes it'),
        summary: text('what it is'),
        hasSpot: flag('it rents machines that it may take back'),
        regions: z
          .array(z.strictObject({ region: text('its name'), machineTypes: texts('those that have prices') }))
          .describe('those that have prices; others are taken too, and cost what nobody here knows'),
        problem: maybe(problemView).describe('why nothing can be rented there now: no credentials; null = nothing is in the way'),
      }),
    ),
  ),
);

export const costView = named(
  'CostView',
  'What it would cost, as `plan --on` reckons it.',
  z.strictObject({
    vendors: z.array(
      named(
        'VendorCost',
        'One vendor, US dollars.',
        z.strictObject({
          cloud: text('its name'),
          machines: count('how many'),
          machinesUsd: figure('for the machines'),
          addressesUsd: figure('for public addresses'),
          trafficUsd: figure('for traffic'),
          totalUsd: figure('together'),
        }),
      ),
    ),
    totalUsd: figure('of all vendors, US dollars'),
    usdPerHour: figure('US dollars an hour'),
    runMs: ms('how long each machine is expected to be paid for'),
    missing: texts('what has no price, and comes on top'),
    notes: texts('what else is to be known'),
    lines: texts('the same as the terminal says it'),
  }),
);

export const machinesPlan = named(
  'MachinesPlan',
  'What would be rented.',
  z.strictObject({
    on: texts('the machines as words of --on: those that were named, or those of the mix'),
    cost: maybe(costView).describe('null where the words cannot be read'),
    problems: z.array(problemView).describe('why a launch would be refused'),
  }),
);

export const againRequest = request('AgainRequest', 'The same run once more.', z.strictObject({ agreedUsd }), {});
