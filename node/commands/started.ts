// How a run was started, kept in its folder so that it can be started again: the verb, the scenario, and every word after it. What a form can show of it stands beside the words as fields, with the
// environment's part already in (QUILT_NODES). Only its owner reads the file: variables may be secrets.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES } from '../runtime/run-folder.ts';

const text = z.string().max(4096);
const startedShape = z.strictObject({
  startedVersion: z.literal(1),
  verb: z.enum(['run', 'launch']),
  /** As it was named, from the folder of the command. */
  scenario: text.min(1),
  variables: z.record(text, text),
  /** Of a local swarm; 0 for a launch. */
  nodes: z.number().int().min(0),
  /** Simulator builds (`--with`), without which the scenario may not be whole. */
  with: z.array(text),
  /** Machines of a launch, as `--on` or `--mix` named them. */
  on: z.array(text),
  mix: z.array(text),
  spotSharePercent: z.number().min(0).max(100),
  machinesMax: z.number().int().min(0),
  /** Further machines that carry no load, and cost as much. */
  seedOn: z.array(text),
  reserveAddresses: z.boolean(),
  /** Where rented machines reach the launcher. */
  host: text.nullable(),
  maxCostUsd: z.number().nullable(),
  /** All words after the verb, as they were given. */
  words: z.array(text).max(1000),
});
export type StartedRecord = z.infer<typeof startedShape>;

type Parts = Partial<Omit<StartedRecord, 'startedVersion' | 'verb' | 'scenario' | 'words'>>;
const nothing = {
  ...{ variables: {}, nodes: 0, with: [], on: [], mix: [], spotSharePercent: 0, machinesMax: 0, seedOn: [], reserveAddresses: false },
  ...{ host: null, maxCostUsd: null },
};

export function keepStarted(folder: string, verb: StartedRecord['verb'], scenario: string, words: readonly string[], parts: Parts): void {
  const record: StartedRecord = { startedVersion: 1, verb, scenario, ...nothing, ...parts, words: [...words] };
  writeFileSync(join(folder, RUN_FILES.started), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

/** Null: an older run, or a file that is not ours. */
export function readStarted(folder: string): StartedRecord | null {
  try {
    return startedShape.parse(JSON.parse(readFileSync(join(folder, RUN_FILES.started), 'utf8')));
  } catch {
    return null;
  }
}

/** How it is told, not what is run. */
const TOLD = new Set(['--quiet', '--json', '--no-color', '--console', '--yes']);

/** What starts the same again, verb first. Money is agreed to anew. */
export function wordsAgain({ verb, nodes, words }: StartedRecord): readonly string[] {
  const kept = words.filter((word) => !TOLD.has(word));
  const hasNodes = kept.some((word) => /^(-n\d*|--nodes(=.*)?)$/.test(word));
  return [verb, ...kept, ...(verb === 'run' && !hasNodes ? ['-n', String(nodes)] : [])];
}

const FORM_FLAGS = /^(-e|--variable|-n|--nodes|--on|--mix|--spot-share|--host|--max-cost)(=|$)/;
const FORM_FLAGS_JOINED = /^-[en]./;

/** Words for which Catapult's form has no field. */
export function wordsBeyondForm(record: StartedRecord): readonly string[] {
  const beyond: string[] = [];
  let isValue = false;
  for (const word of wordsAgain(record).slice(1)) {
    const isForm: boolean = !isValue && (FORM_FLAGS.test(word) || FORM_FLAGS_JOINED.test(word));
    if (!isForm && !isValue && word !== record.scenario) beyond.push(word);
    isValue = isForm && FORM_FLAGS.test(word) && !word.includes('=');
  }
  return beyond;
}
