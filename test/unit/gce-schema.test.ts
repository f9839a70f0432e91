// Google's schema as a judge: planted mistakes show that it would have noticed, in a message, a route, a parameter, and in a request to the fake.

import { describe, expect, it } from 'vitest';
import { startFakeGoogle } from '../support/clouds/gce.ts';
import { filter, openGce } from '../support/clouds/gce-lab.ts';
import { messageComplaints, queryComplaints, routeOf } from '../support/clouds/gce-schema.ts';

describe('the schema of Google', () => {
  const good = { name: 'x', disks: [{ boot: true }], scheduling: { provisioningModel: 'SPOT', maxRunDuration: { seconds: '60' } } };
  it('has nothing against a right instance', () => {
    expect(messageComplaints('Instance', good)).toEqual([]);
  });

  it.each([
    ['an unknown field', { ...good, machineTyp: 'x' }],
    ['an unknown nested field', { ...good, scheduling: { maxRunDurationS: 60 } }],
    ['a word that no enum has', { ...good, scheduling: { provisioningModel: 'spot' } }],
    ['an object for an array', { ...good, disks: { boot: true } }],
    ['a number for a 64-bit integer', { ...good, scheduling: { maxRunDuration: { seconds: 60 } } }],
    ['a number in labels', { ...good, labels: { a: 1 } }],
    ['a name of every object', { ...good, toString: 'x' }],
    ['no object', null],
  ])('notices %s', (_title, value) => {
    expect(messageComplaints('Instance', value)).not.toEqual([]);
  });

  it('knows routes and their parameters', () => {
    const path = '/compute/v1/projects/p/zones/z/instances';
    const method = routeOf('POST', path)?.method;
    expect(method?.name).toBe('Instances.Insert');
    if (method !== undefined) {
      expect(queryComplaints(method, new URLSearchParams({ requestId: 'x' }))).toEqual([]);
      expect(queryComplaints(method, new URLSearchParams({ requestID: 'x' }))).toEqual(["Instances.Insert has no parameter 'requestID'"]);
    }
    expect(routeOf('PUT', path)).toBeNull();
    expect(routeOf('GET', '/compute/v1/projects/p/global/images/family/f')?.method.name).toBe('Images.GetFromFamily');
  });

  it('is asked about every request: a mistake is refused and noted', async () => {
    const google = await startFakeGoogle();
    try {
      const metadata = `${google.url}/computeMetadata/v1/instance/service-accounts/default/token`;
      const token = (await (await fetch(metadata, { headers: { 'Metadata-Flavor': 'Google' } })).json()) as { access_token: string };
      const url = `${google.url}/compute/v1/projects/lab-123456/zones/us-central1-a/instances?requestId=x`;
      const headers = { authorization: `Bearer ${token.access_token}` };
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ name: 'x', netwrok: 1 }) });
      expect(answer.status).toBe(400);
      expect(google.complaints).toEqual(["Instance has no field 'netwrok'"]);
    } finally {
      await google.close();
    }
  });

  it('is asked about every answer too', async () => {
    const google = await startFakeGoogle();
    try {
      const cloud = await openGce(google);
      google.project.firewalls.set('quilt-run1-us-central1', { name: 'quilt-run1-us-central1', ports: 1 });
      await cloud.terminate(filter, []);
      expect(google.complaints).toEqual(["answer: Firewall has no field 'ports'"]);
    } finally {
      await google.close();
    }
  });
});
