// Runs the compliance suite over the registry: an endpoint type is tested because its file exists.

import { expect, it } from 'vitest';
import { loadEndpointTypes } from '../../node/runtime/registry.ts';
import { endpointCompliance } from './endpoint.ts';
import { samples } from './endpoint-samples.ts';

const types = await loadEndpointTypes();

it('has a sample for every endpoint type', () => {
  expect([...types.keys()].filter((type) => samples[type] === undefined)).toEqual([]);
});

for (const [name, type] of types) {
  const sample = samples[name];
  if (sample !== undefined) endpointCompliance(type, sample);
}
