// The scenarios that ship, the starters that `new` writes, and the committed JSON Schema: all true against the endpoint types of this build.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../node/core/plan.ts';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import { NO_FILES } from '../../scenarios/endpoint-kind.ts';
import { editorSchema, editorSchemaText } from '../../scenarios/json-schema.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { renderProblems } from '../../scenarios/problems.ts';
import { STARTER_TYPES, starterText } from '../../scenarios/starter.ts';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const endpointTypes = [...(await loadEndpointTypes()).values()];
const shipped = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .sort();
/** A machine on which every program is installed. */
const files = { ...NO_FILES, commandExists: () => true };

const planOf = (text: string, name: string) => {
  const parsed = parseScenario(text, name, { endpointTypes, files });
  if (!parsed.ok) throw new Error(renderProblems(parsed.problems));
  return makePlan(parsed.value);
};

describe('shipped scenarios', () => {
  it('are at least those that the README names', () => {
    expect(shipped).toEqual(
      expect.arrayContaining([
        'bridge.yaml',
        'call-storm.yaml',
        'churn.yaml',
        'demo.yaml',
        'rush-hour.yaml',
        'smoke.yaml',
        'soak.yaml',
        'spike.yaml',
      ]),
    );
  });
  it.each(shipped)('%s validates, plans something, and names its schema in the first line', (name) => {
    const text = readFileSync(`${folder}${name}`, 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./scenario.schema.json');
    expect(planOf(text, name).endpointCount).toBeGreaterThan(0);
  });
  it('demo takes about half a minute, smoke ten seconds', () => {
    const durationS = (name: string): number => planOf(readFileSync(`${folder}${name}`, 'utf8'), name).durationMs / 1000;
    expect([Math.round(durationS('demo.yaml') / 10) * 10, Math.round(durationS('smoke.yaml'))]).toEqual([30, 10]);
  });
});

it.each([...STARTER_TYPES])('the %s starter validates and plans', (type) => {
  expect(planOf(starterText('my-test', type), `${type}.yaml`).endpointCount).toBeGreaterThan(0);
});

describe('the JSON Schema for editors', () => {
  it('is up to date: npm start -- validate --schema > scenarios/scenario.schema.json', () => {
    expect(readFileSync(`${folder}scenario.schema.json`, 'utf8') === editorSchemaText(endpointTypes)).toBe(true);
  });
  it('knows sections, groups, and the options of each type under its name', () => {
    const schema = JSON.stringify(editorSchema(endpointTypes));
    for (const word of ['"onNodeLoss"', '"sawtooth"', '"delayAbortEval"', '"perMeeting"']) expect(schema).toContain(word);
    for (const { type } of endpointTypes) expect(schema).toContain(`"if":{"properties":{"type":{"const":"${type}"}}}`);
  });
});
