// What a person writes under `behavior:` of a group with `type: exec`: the program, what it is told, what it measures, and the limits that
// it must keep. The contract of the lines on its stdio is in ../README.md.

import { z } from 'zod';
import { durationShape, jsonShape } from '../../core/option-shapes.ts';

const metricShape = z.strictObject({
  kind: z.enum(['trend', 'counter', 'rate', 'gauge']),
  unit: z.enum(['ms', 'bytes', 'count', 'percent', 'bps', 'mos']).default('count'),
  help: z.string().max(200).default(''),
  tags: z
    .array(z.string().regex(/^[a-z_]\w{0,31}$/i))
    .max(8)
    .default([]),
});

export const optionsShape = z.strictObject({
  command: z.array(z.string().min(1)).min(1).max(100).describe('Program and arguments; paths relative to the scenario folder. No shell.'),
  environment: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
  settings: z.record(z.string(), jsonShape).default({}).describe('Handed to the program as it stands, in `setup`.'),
  targets: z.array(z.string().min(1)).min(1).describe('host:port or URLs that the program sends load to.'),
  metrics: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{1,63}$/, 'expected snake_case'), metricShape)
    .default({})
    .describe('What the program reports; a sample of any other metric breaks the contract.'),
  endpointsPerProcess: z.int().min(1).max(100_000).default(1),
  startTimeout: durationShape.default(10_000).describe('From start of the process to `ready`.'),
  heartbeat: durationShape.default(10_000).describe('A process that says nothing for this long has broken the contract.'),
  linesPerSecondMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(5000)
    .describe('Over all endpoints of one process; more is cut and breaks the contract.'),
  lineBytesMax: z
    .int()
    .min(256)
    .max(1024 * 1024)
    .default(16 * 1024),
  logBytesMax: z
    .int()
    .min(0)
    .max(100 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Of one process on stderr; the rest is dropped.'),
  costMillicores: z.number().positive().max(64_000).default(50).describe('Thousandths of a core that one active endpoint needs.'),
});

export type ExecOptions = z.output<typeof optionsShape>;
