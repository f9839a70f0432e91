// What answers of OpenStack's services mean for a launch: each service's wording, and the words of a machine that failed.

import { describe, expect, it } from 'vitest';
import { causeOf, causeOfFault, errorIn } from '../../bootstrap/clouds/openstack/refusals.ts';
import { serverBody } from '../../bootstrap/clouds/openstack/server.ts';
import { stackOrder } from '../support/clouds/openstack-lab.ts';

describe('an error', () => {
  it.each([
    [401, '{"error":{"code":401,"message":"no","title":"Unauthorized"}}', null, 'credentials'],
    [403, '{"forbidden":{"code":403,"message":"Quota exceeded for instances"}}', null, 'quota'],
    [403, '{"forbidden":{"code":403,"message":"Policy does not allow"}}', null, 'permission'],
    [413, '{"overLimit":{"code":413,"message":"Instance quota exceeded","retryAfter":0}}', null, 'quota'],
    [413, '{"overLimit":{"code":413,"message":"slow down"}}', '12', 'throttled'],
    [429, '<html>', null, 'throttled'],
    [409, '{"NeutronError":{"type":"OverQuota","message":"x"}}', null, 'quota'],
    [409, '{"NeutronError":{"type":"IpAddressGenerationFailure","message":"x"}}', null, 'capacity'],
    [400, '{"badRequest":{"code":400,"message":"The requested availability zone is not available"}}', null, 'not-found'],
    [404, '<html>not here</html>', null, 'not-found'],
    [400, 'null', null, 'invalid'],
    [503, '[]', null, 'vendor'],
  ])('of status %i and body %s is understood', (status, text, retryAfter, cause) => {
    expect(causeOf(errorIn(status, text, retryAfter))).toBe(cause);
  });

  it('of a machine is told apart by its words', () => {
    expect(causeOfFault('No valid host was found. There are not enough hosts available.')).toBe('capacity');
    expect(causeOfFault('Exceeded maximum number of retries. Exhausted all hosts')).toBe('capacity');
    expect(causeOfFault('Maximum number of ports exceeded')).toBe('quota');
    expect(causeOfFault('Image could not be converted')).toBe('vendor');
  });

  it('of a server that the look-up does not know stops the programmer', () => {
    const facts = { flavors: new Map(), image: { id: 'i', minDiskGb: 1 }, networks: null };
    expect(() => serverBody(stackOrder('v3'), 0, { zone: null, machineType: 'x' }, facts, null)).toThrow(/not looked up/);
  });
});
