// One file with every kind of mistake, and the whole of what a person sees. A change of words or order shows up here and is looked at.
// To accept a change: npx vitest run --config test/vitest.config.ts test/golden/scenario-problems.test.ts -u

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseScenario } from '../../scenarios/parse.ts';
import { renderProblems } from '../../scenarios/problems.ts';
import { filesOf, plainKinds } from '../support/scenarios.ts';

const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');

it('every problem of a file is shown at once, in its order, with line, key and hint', async () => {
  const result = parseScenario(read('scenario-problems.yaml'), 'broken.yaml', {
    endpointTypes: plainKinds,
    variables: { tgt: 'x' },
    files: filesOf({ 'users.csv': 'name\nann\nbob\n' }),
  });
  const shown = result.ok ? 'no problems' : renderProblems(result.problems);
  await expect(`${shown}\n`).toMatchFileSnapshot('scenario-problems.txt');
});

it('each problem has a code to search for', () => {
  const result = parseScenario(read('scenario-problems.yaml'), 'broken.yaml', { endpointTypes: plainKinds });
  const codes = result.ok ? [] : result.problems.map(({ code }) => code);
  expect(codes.length).toBeGreaterThan(30);
  expect(codes.every((code) => /^QUILT_[A-Z_]+$/.test(code))).toBe(true);
});
