// What validation needs to know of an endpoint type: the part of EndpointType (node/endpoints/endpoint.ts) that describes and does not run.
// Written as methods so that a registry of types with different options fits. And what validation asks of the machine, from outside.

import type { ZodType } from 'zod';
import type { Problem } from '../node/core/errors.ts';
import type { MetricDeclaration } from '../node/core/stats-types.ts';

export interface EndpointKind {
  readonly type: string;
  readonly options: ZodType;
  // biome-ignore lint/suspicious/noExplicitAny: every type has options of its own; they come out of its own schema just above.
  check?(options: any, facts: MachineFacts): Problem[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  targets(options: any): readonly string[];
  readonly metrics: readonly MetricDeclaration[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  metricsOf?(options: any): readonly MetricDeclaration[];
  readonly names?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  costMillicores(options: any): number;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  uplinkBps?(options: any): number;
}

export interface MachineFacts {
  fileExists(path: string): boolean;
  commandExists(name: string): boolean;
}

/** The scenario's own folder: paths are relative to the scenario file. */
export interface ScenarioFiles extends MachineFacts {
  /** The text of a file, or null when it cannot be read. */
  read(path: string): string | null;
}

export const NO_FILES: ScenarioFiles = { read: () => null, fileExists: () => false, commandExists: () => false };
