// Endpoint type `tcp-connect`: opens a TCP connection every so often and measures how long that takes. The example of "Write an endpoint" in
// ../README.md: a whole type in one file. To make it a real one, move it to node/endpoints/tcp-connect.ts; nothing else lists it.

import { connect } from 'node:net';
import { z } from 'zod';
import { networkCause } from '../../core/network-cause.ts';
import { durationShape } from '../../core/option-shapes.ts';
import type { EndpointContext, EndpointType, GroupContext } from '../endpoint.ts';

const optionsShape = z.strictObject({
  target: z.string().regex(/^[\w.-]+:\d+$/, 'expected host:port'),
  every: durationShape.default(1000),
  timeout: durationShape.default(5000),
});
type Options = z.output<typeof optionsShape>;

/** Null when connected and closed again, else what went wrong. Never rejects: what a target does is data. */
function tryConnect({ target, timeout }: Options, signal: AbortSignal): Promise<(Error & { code?: string }) | null> {
  const [host, port] = target.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', resolve);
  });
}

async function live(group: GroupContext<Options>, context: EndpointContext): Promise<void> {
  const { options, clock, recorder } = group;
  const { signal } = context;
  // Resolved once, recorded often: a look-up by name and tags for each sample would cost more than the sample.
  const connectTime = recorder.trend('tcp_connect_duration');
  let dueMs = context.dueMs;
  while ((await clock.until(dueMs, signal)) === 'due') {
    const error = await tryConnect(options, signal);
    if (signal.aborted) return;
    if (error === null) {
      context.joined();
      // From when it was due: if this process was late, that is part of what a user would have waited (P8).
      connectTime.record(clock.nowMs() - dueMs);
    } else if (error.name === 'AbortError' || error.name === 'TimeoutError') context.fail('timeout', options.target);
    else {
      const { side, cause } = networkCause(error);
      if (side === 'target') context.fail(cause, error.message);
      else context.broken(cause, error.message);
    }
    dueMs += options.every;
  }
}

export const endpointType: EndpointType<Options> = {
  type: 'tcp-connect',
  summary: 'opens TCP connections and measures how long it takes',
  options: optionsShape,
  targets: ({ target }) => [target],
  metrics: [{ name: 'tcp_connect_duration', kind: 'trend', unit: 'ms', help: 'from when a connection was due until it was open' }],
  costMillicores: ({ every }) => 0.02 + 100 / every,
  async prepare(group) {
    // Refused targets are told before anything starts.
    group.admitTarget(group.options.target);
    return { create: (context) => ({ run: () => live(group, context) }), close: async () => {} };
  },
};
