// A small client of EC2's query API, written from its documentation and not from the vendor's library: tests can talk to the made-up EC2 where that library is not
// installed, and its answers are read by a second pair of eyes. Its signature has the form and not the value. Errors have the vendor's code as their
// name, as the vendor's library does it.

import type { SendToEc2 } from '../../../bootstrap/clouds/aws/shapes.ts';

export interface ClientInit {
  readonly url: string;
  readonly region: string;
  readonly keyId: string;
}

/** Lists whose names on the wire are not those of the API. */
const SENT: Readonly<Record<string, string>> = {
  ...{ InstanceIds: 'InstanceId', Filters: 'Filter', Values: 'Value', TagSpecifications: 'TagSpecification', Tags: 'Tag' },
  ...{ Groups: 'SecurityGroupId', NetworkInterfaces: 'NetworkInterface', ImageIds: 'ImageId', AttributeNames: 'AttributeName' },
  ...{ GroupNames: 'GroupName', InstanceTypes: 'InstanceType', ProductDescriptions: 'ProductDescription' },
  Description: 'GroupDescription',
};
const READ: Readonly<Record<string, string>> = {
  ...{ reservationSet: 'Reservations', instancesSet: 'Instances', instanceState: 'State', zoneState: 'State', tagSet: 'Tags' },
  ...{ ipAddress: 'PublicIpAddress', securityGroupInfo: 'SecurityGroups', addressesSet: 'Addresses', imagesSet: 'Images' },
  ...{ availabilityZoneInfo: 'AvailabilityZones', instanceTypeOfferingSet: 'InstanceTypeOfferings' },
  ...{ accountAttributeSet: 'AccountAttributes', attributeValueSet: 'AttributeValues' },
  spotPriceHistorySet: 'SpotPriceHistory',
};

export function smallClient({ url, region, keyId }: ClientInit): SendToEc2 {
  const send = async (name: string, input: object): Promise<unknown> => {
    const form = new URLSearchParams({ Action: name, Version: '2016-11-15' });
    flatten(form, '', input);
    const response = await fetch(url, {
      ...{ method: 'POST', body: form.toString(), signal: AbortSignal.timeout(10_000) },
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-amz-date': '20270115T080000Z',
        authorization: `AWS4-HMAC-SHA256 Credential=${keyId}/20270115/${region}/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
      },
    }).catch((error: Error & { cause?: { code?: string } }) => {
      throw Object.assign(new Error(error.message), { code: error.cause?.code ?? 'ECONNRESET' });
    });
    const xml = await response.text();
    if (response.ok) return readXml(xml);
    const [, code = 'UnknownError'] = /<Code>([^<]*)<\/Code>/.exec(xml) ?? [];
    const [, message = ''] = /<Message>([^<]*)<\/Message>/.exec(xml) ?? [];
    const headers = { date: response.headers.get('date') ?? '' };
    throw Object.assign(new Error(message), { name: code, $response: { headers } });
  };
  return send as SendToEc2;
}

function flatten(form: URLSearchParams, prefix: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) flatten(form, `${prefix}.${index + 1}`, each);
    return;
  }
  if (value instanceof Date) return void form.set(prefix, value.toISOString());
  if (typeof value !== 'object' || value === null) return void form.set(prefix, String(value));
  for (const [key, each] of Object.entries(value)) flatten(form, `${prefix === '' ? '' : `${prefix}.`}${SENT[key] ?? key}`, each);
}

/** The children of the outermost tag. */
function readXml(xml: string): unknown {
  const tokens = xml.match(/<[^>]+>|[^<]+/g) ?? [];
  let at = tokens.findIndex((token) => /^<[A-Z]/.test(token)) + 1;
  const read = (): unknown => {
    const fields: Record<string, unknown> = {};
    const items: unknown[] = [];
    let words = '';
    for (let token = tokens[at++]; token !== undefined && !token.startsWith('</'); token = tokens[at++]) {
      if (!token.startsWith('<')) {
        words += token;
        continue;
      }
      const tag = token.slice(1, -1).split(' ')[0] as string;
      const value = read();
      if (tag === 'item') items.push(value);
      // An empty list and an empty text look the same on the wire; the names of lists are known.
      else fields[READ[tag] ?? tag[0]?.toUpperCase() + tag.slice(1)] = value === '' && /Set$|Info$/.test(tag) ? [] : value;
    }
    if (items.length > 0) return items;
    if (Object.keys(fields).length > 0) return fields;
    return words.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  };
  return read();
}
