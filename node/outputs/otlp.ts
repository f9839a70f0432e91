// `--out otlp=URL`: every node exports its own metrics over OTLP/HTTP with JSON to an OpenTelemetry collector or whoever speaks that. Headers: OTEL_EXPORTER_OTLP_HEADERS,
// as with every OpenTelemetry exporter; the path /v1/metrics is added unless it is there.

import { ok } from '../core/errors.ts';
import type { MetricSnapshot } from '../core/metric-snapshot.ts';
import { otlpMetrics, otlpRejection } from '../wire/otlp-metrics.ts';
import { headersOf, outputUrl } from './address.ts';
import type { OutputType } from './output.ts';
import { createSender } from './sender.ts';

const NAME = 'otlp';
const HEADERS = 'OTEL_EXPORTER_OTLP_HEADERS';
const PATH = '/v1/metrics';

const bodyOf = (snapshot: MetricSnapshot): Uint8Array => new TextEncoder().encode(JSON.stringify(otlpMetrics(snapshot)));

export const otlp: OutputType = {
  scope: 'node',
  about: 'URL of an OTLP/HTTP receiver',
  check(argument, { environment, random }) {
    const url = outputUrl(NAME, argument);
    if (!url.ok) return url;
    const headers = headersOf(HEADERS, environment(HEADERS));
    if (!headers.ok) return headers;
    const path = url.value.pathname.replace(/\/+$/, '');
    url.value.pathname = path.endsWith(PATH) ? path : `${path}${PATH}`;
    return ok((components) => {
      const sender = createSender({
        ...{ ...components, name: NAME, random, url: url.value.href, complaint: otlpRejection },
        headers: { 'user-agent': 'quilt-swarm', ...headers.value, 'content-type': 'application/json' },
      });
      return {
        push: (snapshot) => sender.push([bodyOf(snapshot)]),
        finish: (snapshot, msMax) => sender.finish([bodyOf(snapshot)], msMax),
      };
    });
  },
};
