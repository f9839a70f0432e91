// Endpoint type `sip`: phones that register, call into meetings or answer, with audio and video of measured quality. options.ts is what a scenario may
// say, participant.ts the life, conversation.ts one call, call-media.ts its media; the SIP stack is node/sip, the packet engine node/media.

import type { Problem } from '../../core/errors.ts';
import { mediaMetrics } from '../../media/metrics.ts';
import { checkStreamFiles, streamBitsPerSecond, streamPacketsPerSecond } from '../../media/stream-scripts.ts';
import type { EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { parseServer, uriHost } from './compile.ts';
import { prepareSipGroup } from './group.ts';
import { signallingMetrics } from './metrics.ts';
import { optionsShape, type SipOptions } from './options.ts';
import { Participant } from './participant.ts';

/** Measured with `npm run bench -- media-density`: thousandths of a core for one packet a second sent and one received, and for a silent call. */
const MILLICORES_PER_PACKET = 0.009;
const MILLICORES_IDLE = 0.05;

function check(options: SipOptions, facts: { fileExists(path: string): boolean }): Problem[] {
  const problems: Problem[] = [];
  const { server, call, register, from, media } = options;
  if (!server.includes('${') && parseServer(server) === null) {
    const hint = 'write sip:HOST, sip:HOST:PORT or sip:HOST:PORT;transport=tcp';
    problems.push({ code: 'QUILT_SIP_SERVER', message: `not a SIP server: ${server}`, key: 'server', hint });
  }
  for (const [key, uri] of Object.entries({ call, from, 'register.registrar': register?.registrar })) {
    if (uri !== undefined && !/^(sips?:|tel:|\$\{)/.test(uri)) {
      problems.push({ code: 'QUILT_SIP_URI', message: `not a SIP URI: ${uri}`, key, hint: 'write sip:USER@HOST' });
    }
  }
  if (media.audio === false && media.video === false) {
    problems.push({
      code: 'QUILT_SIP_MEDIA',
      message: 'a call needs audio or video',
      key: 'media',
      hint: 'leave audio out for the default',
    });
  }
  for (const kind of ['audio', 'video'] as const) problems.push(...checkStreamFiles(media[kind], `media.${kind}`, facts));
  return problems;
}

/** The server, and any port of its host: media usually comes from there. Further media servers stand under the scenario's `targets`. */
function targetsOf({ server }: SipOptions): string[] {
  const address = parseServer(server);
  if (address === null) return [];
  const host = uriHost(address.host);
  return [`${host}:${address.port}`, `${host}:*`];
}

function costMillicores({ media }: SipOptions): number {
  const packets = streamPacketsPerSecond(media.audio) + streamPacketsPerSecond(media.video);
  return MILLICORES_IDLE + packets * MILLICORES_PER_PACKET;
}

/** Signalling is a kilobyte now and then. */
const uplinkBps = ({ media }: SipOptions): number => streamBitsPerSecond(media.audio) + streamBitsPerSecond(media.video) + 1000;

async function prepare(context: GroupContext<SipOptions>): Promise<EndpointFactory> {
  const { group, flush, close } = await prepareSipGroup(context);
  return { create: (endpoint) => new Participant(group, endpoint), flush, close };
}

export const endpointType: EndpointType<SipOptions> = {
  type: 'sip',
  summary: 'a phone: registers, calls or answers, sends and receives audio and video with measured quality',
  options: optionsShape,
  check,
  targets: targetsOf,
  metrics: [...signallingMetrics, ...mediaMetrics('sip')],
  costMillicores,
  uplinkBps,
  prepare,
};
