// The example of "Write an endpoint" keeps what the page asks of every type, and the page shows the file as it is.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { EndpointType } from '../../node/endpoints/endpoint.ts';
import { endpointType } from '../../node/endpoints/examples/tcp-connect.ts';
import { endpointCompliance } from './endpoint.ts';

const read = (path: string): string => readFileSync(new URL(`../../node/endpoints/${path}`, import.meta.url), 'utf8');

endpointCompliance(endpointType as EndpointType<unknown>, {
  behavior: (port) => ({ target: `127.0.0.1:${port}`, every: '20ms', timeout: '300ms' }),
  sign: 'tcp_connect_duration',
  isConnectOnly: true,
});

it('is shown in the README as it is', () => {
  const shown = /<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```/.exec(read('README.md'));
  expect(shown?.[2]).toBe(read(shown?.[1] ?? ''));
});
