// --metrics-listen of the verbs that run nodes: GET /metrics for Prometheus, of this node. What it tells holds no secrets; it listens on loopback unless an address is given.

import { createServer } from 'node:http';
import { Option } from 'commander';
import type { StatusView } from '../runtime/node-status.ts';
import { type ListenPlace, listenArgument } from './finish.ts';

export interface MetricsFlags {
  readonly metricsListen?: ListenPlace;
}

const REQUEST_MS_MAX = 5000;
const CONNECTIONS_MAX = 16;

export const metricsOption = (): Option =>
  new Option('--metrics-listen <host:port>', 'serve /metrics for Prometheus there; a port alone is on loopback').argParser(listenArgument);

/** Answers how to close it. A port that is taken is no reason not to run: it is said, and nothing else. */
export async function openNodeMetrics(
  { metricsListen }: MetricsFlags,
  status: () => StatusView,
  say: (text: string) => void,
): Promise<() => Promise<void>> {
  if (metricsListen === undefined) return async () => {};
  // Loaded only here: nodes that nobody scrapes pay nothing for it.
  const { PROMETHEUS_TYPE, prometheusText } = await import('../../tools/metrics/prometheus.ts');
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end('only GET /metrics\n');
    prometheusText(status()).then(
      (text) => response.writeHead(200, { 'content-type': PROMETHEUS_TYPE }).end(text),
      (error: Error) => response.writeHead(500).end(`${error.message}\n`),
    );
  });
  server.requestTimeout = REQUEST_MS_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  const { host, port } = metricsListen;
  const isOpen = await new Promise<boolean>((settle) => {
    server.once('error', (error) => {
      say(`no metrics: ${host} port ${port} cannot be listened on: ${error.message}`);
      settle(false);
    });
    server.listen(port, host, () => settle(true));
  });
  if (!isOpen) return async () => {};
  const address = server.address();
  say(
    `metrics: http://${host.includes(':') ? `[${host}]` : host}:${typeof address === 'object' && address !== null ? address.port : port}/metrics`,
  );
  return () =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
}
