// What the plan command and an unplaceable run tell the user, case by case; the laws of placing are properties (test/property/assign.test.ts).

import { describe, expect, it } from 'vitest';
import { assign } from '../../node/core/assign.ts';
import type { RosterMember } from '../../node/core/messages.ts';
import type { Shard } from '../../node/core/plan-types.ts';
import { memberOf } from '../support/core-arbitraries.ts';
import { planOf, shardOf } from '../support/story.ts';

const witness: RosterMember = { ...memberOf('seed', 9000), load: false };

describe('a shard that cannot be placed says why', () => {
  it.each<[string, Partial<Shard>, RosterMember[], string]>([
    ['no nodes', {}, [], 'no node is left that claims load'],
    ['witnesses only', {}, [witness], 'no node is left that claims load'],
    ['a type that nobody runs', { type: 'exec' }, [memberOf('a', 2000)], "no node can run endpoints of type 'exec'"],
    [
      'a region where nobody is',
      { constraints: { region: 'ap' } },
      [memberOf('a', 2000, { region: 'eu' })],
      "no node that runs 'http' carries the label region=ap",
    ],
    [
      'too little room',
      { costMillicores: 2500 },
      [memberOf('a', 2000), memberOf('b', 1000)],
      'needs 2500 millicores, the emptiest fitting node has 2000 left',
    ],
  ])('%s', (_, shard, nodes, reason) => {
    const { owners, unplaceable } = assign(planOf([shardOf(0, shard)]), nodes);
    expect(owners).toEqual([null]);
    expect(unplaceable).toEqual([{ shard: 0, reason }]);
  });

  it('and the others are placed all the same, never on a witness', () => {
    const plan = planOf([shardOf(0, { type: 'exec' }), shardOf(1), shardOf(2)]);
    expect(assign(plan, [witness, memberOf('a', 2000)]).owners).toEqual([null, 'a', 'a']);
  });
});

it('a placing never changes: nodes of different releases must agree', () => {
  const plan = planOf(Array.from({ length: 12 }, (_, id) => shardOf(id, { costMillicores: 10 + id })));
  const nodes = [memberOf('ann', 2000), memberOf('bob', 2000), memberOf('cid', 4000)];
  expect(assign(plan, nodes).owners.join(' ')).toMatchInlineSnapshot(`"ann bob bob ann cid cid cid cid bob cid cid ann"`);
});
