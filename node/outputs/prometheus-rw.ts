// `--out prometheus-rw=URL`: every node writes its own series to a Prometheus remote-write receiver (Prometheus, Mimir, Thanos, VictoriaMetrics, a vendor's). Headers: QUILT_OUT_HEADERS.

import { ok } from '../core/errors.ts';
import { REMOTE_WRITE_HEADERS, remoteWriteBodies } from '../wire/remote-write.ts';
import { headersOf, outputUrl } from './address.ts';
import type { OutputType } from './output.ts';
import { createSender } from './sender.ts';

const NAME = 'prometheus-rw';
const HEADERS = 'QUILT_OUT_HEADERS';

export const prometheusRemoteWrite: OutputType = {
  scope: 'node',
  about: 'URL of a Prometheus remote-write receiver',
  check(argument, { environment, random }) {
    const url = outputUrl(NAME, argument);
    if (!url.ok) return url;
    const headers = headersOf(HEADERS, environment(HEADERS));
    if (!headers.ok) return headers;
    return ok((components) => {
      const sender = createSender({
        ...{ ...components, name: NAME, random, url: url.value.href },
        headers: { 'user-agent': 'quilt-swarm', ...headers.value, ...REMOTE_WRITE_HEADERS },
      });
      return {
        push: (snapshot) => sender.push(remoteWriteBodies(snapshot, false)),
        finish: (snapshot, msMax) => sender.finish(remoteWriteBodies(snapshot, true), msMax),
      };
    });
  },
};
