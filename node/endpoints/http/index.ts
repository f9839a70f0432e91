// Endpoint type `http`: a user's journey of requests against one or more web services. This file only puts the parts together; options.ts
// is what a scenario may say, journey.ts what an endpoint does, connections.ts how it reaches the target.

import type { Problem } from '../../core/errors.ts';
import type { Think } from '../../core/option-shapes.ts';
import type { EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { compileSteps, wholeUrl } from './compile.ts';
import { createConnections } from './connections.ts';
import { Journey, type JourneyGroup } from './journey.ts';
import { httpMetrics } from './metrics.ts';
import { type HttpOptions, optionsShape } from './options.ts';
import { createSockets } from './sockets.ts';
import { createSweeper } from './sweeper.ts';
import { splitUrl } from './url.ts';

/** Measured with tools/bench/http-rate.ts: thousandths of a core for one request a second, and for an endpoint that only waits. */
const MILLICORES_PER_REQUEST = 0.02;
const MILLICORES_IDLE = 0.02;
/** An endpoint without any think time asks as fast as the target answers; this is what such a one is taken for. */
const REQUESTS_PER_S_UNBOUND = 100;
/** For what traffic costs: request line, fields and TCP/IP headers. Bodies that are sent come on top and are not known here. */
const REQUEST_BITS = 8 * 800;

const targetsOf = (options: HttpOptions): string[] => [...new Set(options.requests.map(({ url }) => wholeUrl(options, url)))];

function check(options: HttpOptions): Problem[] {
  const problems: Problem[] = [];
  options.requests.forEach((request, index) => {
    const url = wholeUrl(options, request.url);
    if (url.includes('${') || splitUrl(url) !== undefined) return;
    problems.push({
      code: 'QUILT_HTTP_URL',
      message: `not an http(s) URL: ${url}`,
      hint: request.url.startsWith('/') ? 'set baseUrl, or write the whole URL' : 'write it as http://host:port/path',
      key: `requests[${index}].url`,
    });
  });
  return problems;
}

function meanMs(think: Think | undefined): number {
  if (think === undefined) return 0;
  switch (think.distribution) {
    case 'fixed':
      return think.ms;
    case 'uniform':
      return (think.minMs + think.maxMs) / 2;
    default:
      return think.meanMs;
  }
}

function requestsPerSecond(options: HttpOptions): number {
  let requests = 0;
  let thinkMs = 0;
  for (const request of options.requests) {
    requests += request.repeat;
    thinkMs += request.repeat * meanMs(request.think ?? options.think);
  }
  const periodMs = Math.max(thinkMs, options.every ?? 0);
  return periodMs === 0 ? REQUESTS_PER_S_UNBOUND : Math.min(REQUESTS_PER_S_UNBOUND, (requests * 1000) / periodMs);
}

const costMillicores = (options: HttpOptions): number => MILLICORES_IDLE + requestsPerSecond(options) * MILLICORES_PER_REQUEST;

async function prepare(group: GroupContext<HttpOptions>): Promise<EndpointFactory> {
  const { options, recorder, clock } = group;
  const sockets = createSockets({
    recorder,
    clock,
    connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS_MAX, options.timeout),
    rejectUnauthorized: !options.insecureTls,
  });
  const connections = createConnections(options, sockets, clock.nowMs);
  const sweeper = createSweeper(clock);
  const admitted = new Map<string, boolean>();
  const isAdmitted = (origin: string): boolean => {
    let known = admitted.get(origin);
    if (known === undefined) {
      known = isListed(group, origin);
      // A target that redirects to ever new hosts must not grow this without end.
      if (admitted.size < ORIGINS_MAX) admitted.set(origin, known);
    }
    return known;
  };
  const steps = compileSteps(options, recorder);
  for (const { place } of steps) if (place !== undefined) group.admitTarget(place.origin);
  const journeys: JourneyGroup = {
    options,
    steps,
    clock,
    connections,
    sweeper,
    isAdmitted,
    iterations: recorder.counter('iterations'),
    iterationDuration: recorder.trend('iteration_duration'),
  };
  return {
    create: (context) => new Journey(journeys, context),
    flush: sockets.countBytes,
    async close() {
      sweeper.close();
      await connections.close();
      sockets.destroyAll();
    },
  };
}

const ORIGINS_MAX = 1000;
/** Longer request timeouts do not make a connection attempt worth waiting for. */
const CONNECT_TIMEOUT_MS_MAX = 60_000;

function isListed(group: GroupContext<HttpOptions>, origin: string): boolean {
  try {
    group.admitTarget(origin);
    return true;
  } catch {
    return false;
  }
}

export const endpointType: EndpointType<HttpOptions> = {
  type: 'http',
  summary: "a user's journey of HTTP requests with checks, captures and think times",
  options: optionsShape,
  check,
  targets: targetsOf,
  metrics: httpMetrics,
  costMillicores,
  uplinkBps: (options) => requestsPerSecond(options) * REQUEST_BITS,
  prepare,
};
