// One behaviour for each endpoint type that the compliance suite can aim at any address: quick timeouts, and something to do when all is well.
// A new type adds itself here; the suite fails until it has.

import { fileURLToPath } from 'node:url';
import type { SystemPart } from '../support/parts.ts';

export interface Sample {
  /** `port` on 127.0.0.1 belongs to the nasty server. */
  readonly behavior: (port: number) => object;
  /** A metric that must have been recorded when the target behaves. */
  readonly sign: string;
  /** The type does not look at what the target says: rubbish is no failure to it. */
  readonly isConnectOnly?: boolean;
  /** Sends datagrams only: there is no connection to be refused, and nobody there looks like silence. */
  readonly isDatagram?: boolean;
  readonly needs?: readonly SystemPart[];
}

export const scenarioFolder = fileURLToPath(new URL('../../node/endpoints/examples/', import.meta.url));

export const samples: Readonly<Record<string, Sample>> = {
  http: {
    behavior: (port) => ({
      baseUrl: `http://127.0.0.1:${port}`,
      timeout: '300ms',
      think: '20ms',
      retryPause: '20ms',
      onFailure: 'continue',
      requests: [
        { name: 'get', url: '/', checks: [{ status: 200 }], captures: { ok: { json: '$.ok' } } },
        { name: 'post', method: 'POST', url: '/', json: { id: '${endpoint.id}' } },
      ],
    }),
    sign: 'http_req_duration',
  },
  websocket: {
    behavior: (port) => ({
      url: `ws://127.0.0.1:${port}/`,
      send: { rate: 50, json: { id: '${message.id}', at: '${message.sentAtMs}' } },
      roundTrip: { when: { json: '$.id' }, id: '$.id', timeout: '300ms' },
      delivery: { when: { json: '$.id' }, id: '$.id', sentAt: '$.at' },
      ping: '50ms',
      reconnect: { attempts: 5, wait: '20ms', factor: 1 },
      after: [{ name: 'bye', url: `http://127.0.0.1:${port}/`, timeout: '200ms' }],
    }),
    sign: 'ws_rtt',
  },
  exec: {
    behavior: (port) => ({
      command: ['python3', './tcp_echo.py'],
      settings: { host: '127.0.0.1', port, intervalMs: 20 },
      targets: [`127.0.0.1:${port}`],
      endpointsPerProcess: 4,
      metrics: { echo_rtt: { kind: 'trend', unit: 'ms' }, echo_lines: { kind: 'counter' } },
    }),
    sign: 'echo_rtt',
    needs: ['python3'],
  },
  sip: {
    behavior: (port) => ({
      server: `sip:127.0.0.1:${port};transport=tcp`,
      call: `sip:meeting@127.0.0.1:${port}`,
      joinedWhen: 'media',
      redial: { attempts: 5, wait: '20ms', factor: 1 },
      media: { firstPacketWithin: '300ms' },
    }),
    sign: 'sip_call_setup',
  },
  rtp: {
    behavior: (port) => ({
      streams: [{ to: `127.0.0.1:${port}`, audio: 'audio-80k' }],
      joinedWhen: 'media',
      firstPacketWithin: '300ms',
    }),
    sign: 'rtp_first_packet',
    isDatagram: true,
  },
  sipp: {
    behavior: (port) => ({
      server: `127.0.0.1:${port}`,
      transport: 't1',
      localIp: '127.0.0.1',
      calls: { length: '50ms', rate: 5 },
      timeouts: { receive: '300ms' },
    }),
    sign: 'sipp_response_time',
    needs: ['sipp'],
  },
};
