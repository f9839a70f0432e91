// What the participants of one group share in a worker: the SIP stack with its sockets, the packet engine, the scripts that they send, and the local
// port pair where ports are shared. Made once before the run and closed after it.

import { lookup as resolve } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createRng } from '../../core/rng.ts';
import type { MediaEngine, MediaPort } from '../../media/engine-types.ts';
import { localAddressToward } from '../../media/local-address.ts';
import { createMediaSeries } from '../../media/metrics.ts';
import { acquireEngine } from '../../media/shared-engine.ts';
import { codecsOf, scriptsOf } from '../../media/stream-scripts.ts';
import { createSipStack } from '../../sip/stack.ts';
import type { GroupContext } from '../endpoint.ts';
import { type KindMedia, MEDIA_KINDS, type MediaGroup, type MediaPorts } from './call-media.ts';
import { compileSip, uriHost } from './compile.ts';
import { createSignallingSeries } from './metrics.ts';
import type { SipOptions } from './options.ts';
import type { SipGroup } from './participant.ts';

export interface PreparedGroup {
  readonly group: SipGroup;
  readonly flush: () => void;
  readonly close: () => Promise<void>;
}

export async function prepareSipGroup(context: GroupContext<SipOptions>): Promise<PreparedGroup> {
  const { options, recorder, clock, admitTarget, health } = context;
  const compiled = compileSip(options);
  const { server } = compiled;
  const serverUri = `${server.scheme}:${uriHost(server.host)}:${server.port};transport=${server.transport};lr`;
  admitTarget(`${uriHost(server.host)}:${server.port}`);
  const series = createSignallingSeries(recorder);
  const lookup = async (host: string): Promise<string> => (isIP(host) === 0 ? (await resolve(host)).address : host);
  const host = await localAddressToward(await lookup(server.host), server.port);
  // Keyed by name and time: two workers of a node must not draw the same tags and branches.
  const rng = createRng(Math.floor(clock.nowMs() * 1000) ^ process.pid);
  const { engine, release } = await acquireEngine({ nowMs: clock.nowMs, random: rng.float, health }, clock);
  try {
    const stack = await createSipStack({
      clock,
      random: rng.float,
      network: engine.network,
      local: { host, transport: server.transport },
      ...(server.transport === 'tls' ? { tls: { isVerified: !options.insecureTls, serverName: server.host } } : {}),
      timers: { t1Ms: options.t1 },
      // The server itself was admitted; where its redirects, routes and contacts lead is asked hop by hop (P7).
      admit: (to, port) => admitTarget(`${uriHost(to)}:${port}`),
      lookup,
      onCount: (kind, count) => {
        if (kind === 'retransmission-sent') series.retransmissions.add(count);
        else series.unexpected(kind, count);
      },
    });
    const media = await prepareMedia(context, engine, host);
    return {
      group: { options, compiled, series, clock, stack, media: media.group, serverUri, admitTarget },
      flush: () => engine.flush(),
      async close() {
        await stack.close();
        media.shared?.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function prepareMedia(
  { options, recorder, admitTarget, scenarioFolder }: GroupContext<SipOptions>,
  engine: MediaEngine,
  host: string,
): Promise<{ group: MediaGroup; shared: MediaPorts | null }> {
  const { ports, rtcpMux, srtp } = options.media;
  const readFile = (path: string): Uint8Array => readFileSync(join(scenarioFolder, path));
  const kinds: { audio: KindMedia | null; video: KindMedia | null } = { audio: null, video: null };
  for (const kind of MEDIA_KINDS) {
    const written = options.media[kind];
    if (written === false) continue;
    kinds[kind] = { codecs: codecsOf(written), scripts: scriptsOf(written, readFile), series: createMediaSeries(recorder, 'sip', kind) };
  }
  const open = (): Promise<MediaPorts> => openPorts(engine, host, rtcpMux, { audio: kinds.audio !== null, video: kinds.video !== null });
  const shared = ports === 'shared' ? await open() : null;
  const borrowed = shared === null ? null : { ...shared, close: () => {} };
  return {
    shared,
    group: {
      engine,
      host,
      isMuxed: rtcpMux,
      isSecure: srtp === 'sdes',
      ...kinds,
      admitTarget,
      openPorts: borrowed === null ? open : () => Promise.resolve(borrowed),
    },
  };
}

async function openPorts(
  engine: MediaEngine,
  host: string,
  isMuxed: boolean,
  wanted: { readonly audio: boolean; readonly video: boolean },
): Promise<MediaPorts> {
  const opened: MediaPort[] = [];
  const close = (): void => {
    for (const port of opened) port.close();
  };
  const open = async (isWanted: boolean): Promise<MediaPort | null> => {
    if (!isWanted) return null;
    const port = await engine.openPort({ host, isMuxed });
    opened.push(port);
    return port;
  };
  try {
    return { audio: await open(wanted.audio), video: await open(wanted.video), close };
  } catch (error) {
    close();
    throw error;
  }
}
