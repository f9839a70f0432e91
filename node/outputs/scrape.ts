// The scrape endpoint of a node (`--metrics-listen HOST:PORT`): GET /metrics answers what the node counted so far. Off unless asked for, on loopback unless a host is written: who can reach
// it reads the figures, and nothing else. Bounded connections and times: a scraper that hangs costs a socket.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail, ok, type Result } from '../core/errors.ts';
import type { ListenAddress } from '../core/host-port.ts';
import type { MetricSnapshot } from '../core/metric-snapshot.ts';
import { OPEN_METRICS_TYPE, prometheusText, TEXT_TYPE } from '../wire/prometheus-text.ts';

export interface Scrape {
  readonly url: string;
  /** Until then 503. */
  serve(snapshot: () => MetricSnapshot): void;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 32;
const REQUEST_MS_MAX = 10_000;

function answer(request: IncomingMessage, response: ServerResponse, snapshot: (() => MetricSnapshot) | null): void {
  const path = (request.url ?? '').split('?')[0];
  const end = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? '' : body);
  };
  if (path !== '/metrics') return end(404, 'text/plain', 'metrics are at /metrics\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'text/plain', 'GET\n');
  if (snapshot === null) return end(503, 'text/plain', 'this node is starting\n');
  const isOpen = (request.headers.accept ?? '').includes('application/openmetrics-text');
  end(200, isOpen ? OPEN_METRICS_TYPE : TEXT_TYPE, prometheusText(snapshot(), isOpen));
}

export async function openScrape({ host, port }: ListenAddress): Promise<Result<Scrape>> {
  let snapshot: (() => MetricSnapshot) | null = null;
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (request, response) => {
    answer(request, response, snapshot);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const error = await new Promise<Error | null>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => resolve(null));
  });
  if (error !== null) {
    const message = `--metrics-listen ${host}:${port} cannot be opened: ${error.message}`;
    return fail({ code: 'QUILT_METRICS_LISTEN', message, hint: 'name another port, or 0 for any that is free' });
  }
  // Metrics do not keep a process alive.
  server.unref();
  const { port: opened } = server.address() as AddressInfo;
  return ok({
    url: `http://${host.includes(':') ? `[${host}]` : host}:${opened}/metrics`,
    serve(source) {
      snapshot = source;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  });
}
