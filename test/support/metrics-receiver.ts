// A receiver of metrics on loopback that answers as it is told: remote write on /api/v1/write, OTLP on /v1/metrics, whatever comes kept as it came.

import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface MetricsReceiver {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** `status` 0: never an answer. */
export async function startMetricsReceiver(status = 200): Promise<MetricsReceiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    bodyOf(request).then(
      (body) => {
        received.push({ path: request.url ?? '', headers: request.headers, body });
        if (status !== 0)
          response.writeHead(status, { 'content-type': 'application/json' }).end(status === 200 ? '{}' : 'no room for this');
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
