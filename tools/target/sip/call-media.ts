// The media of a call: which streams an offer and its answer make, change and close, and what our description says. Streams get their ports here;
// which codecs and directions is offer-answer.ts.

import { parseSdp, type SessionDescription, writeSdp } from '../../../node/wire/sdp.ts';
import { parseMediaType } from '../../../node/wire/sip/headers.ts';
import { headerOf, type SipRequest } from '../../../node/wire/sip/message.ts';
import { tick } from '../counters.ts';
import { receiveDigit } from './admission.ts';
import type { Bridge } from './bridge.ts';
import type { Call, CallLine } from './call.ts';
import type { MediaStream, StreamPlan } from './media-stream.ts';
import { answerLines, describe, type Line, offerLine, settleOffer } from './offer-answer.ts';

/** The session description of a request; `none`: it has none; 400: one that cannot be read. */
export function sessionOf(bridge: Bridge, request: SipRequest): SessionDescription | 'none' | 400 {
  const type = parseMediaType(headerOf(request, 'content-type') ?? '')?.type;
  if (request.body.length === 0 || type !== 'application/sdp') return 'none';
  const parsed = parseSdp(Buffer.from(request.body).toString('utf8'));
  if (parsed.ok) return parsed.description;
  tick(bridge.service.counters.sip.malformed, `sdp-${parsed.failure.kind}`);
  return 400;
}

const plansOf = (call: Call): (StreamPlan | null)[] => call.lines.map(({ stream }) => stream?.plan ?? null);

/** Our lines for an offer (null: we are to make one); null when not one of them can be had. */
export function linesFor(call: Call | null, offer: SessionDescription | null): Line[] | null {
  if (offer === null) return [offerLine()];
  const lines = answerLines(offer, call === null ? [] : plansOf(call));
  return lines.some(({ plan }) => plan !== null) ? lines : null;
}

async function streamFor(bridge: Bridge, call: Call, plan: StreamPlan, before: MediaStream | null): Promise<MediaStream | null> {
  const { media } = bridge;
  if (before !== null && before.plan.kind === plan.kind && media.change(before, plan)) return before;
  const stream = await media.open(plan, { meetingId: call.meetingId, onDigit: (digit) => receiveDigit(bridge, call, digit) });
  if (before !== null) media.close(before);
  if (stream === null) return null;
  if (call.state === 'ended') {
    media.close(stream);
    return null;
  }
  if (call.state === 'answered' && call.participantId !== null) media.join(stream);
  return stream;
}

/** Makes the lines real; answers why not, null when all went well. What was opened is the call's, and closed with it. */
export async function applyLines(bridge: Bridge, call: Call, lines: readonly Line[]): Promise<string | null> {
  const before = call.lines;
  const applied: CallLine[] = [];
  let problem: string | null = null;
  for (const [index, { plan, media }] of lines.entries()) {
    const known = before[index]?.stream ?? null;
    let stream: MediaStream | null = null;
    if (plan === null && known !== null) bridge.media.close(known);
    else if (plan !== null) {
      try {
        stream = await streamFor(bridge, call, plan, known);
        if (stream === null) problem = 'every media port has a stream from that address';
      } catch (error) {
        problem = (error as Error).message;
      }
    }
    applied.push({ media: { ...media, host: call.invite.from.localHost, port: stream?.pair?.rtp.local.port ?? 0 }, stream });
    call.lines = [...applied, ...before.slice(index + 1)];
  }
  return problem;
}

/** The answer in an ACK to our offer, line by line; false when nothing of it is left. */
export function applyAnswer(bridge: Bridge, call: Call, answer: SessionDescription): boolean {
  if (answer.media.length !== call.lines.length) return false;
  for (const [index, line] of call.lines.entries()) {
    const { stream } = line;
    if (stream === null) continue;
    const plan = settleOffer(line.media, answer.media[index]!, stream.plan.remote === null ? null : stream.plan);
    if (plan !== null && bridge.media.change(stream, plan)) continue;
    bridge.media.close(stream);
    line.stream = null;
  }
  return call.lines.some(({ stream }) => stream !== null);
}

/** Our description as text; its version goes up when it says something else than before (RFC 3264, 8). */
export function describeCall(call: Call): string {
  const media = call.lines.map((line) => line.media);
  const write = (version: number): string => writeSdp(describe(media, call.invite.from.localHost, call.sdp.sessionId, version));
  const text = write(0);
  if (text !== call.sdp.text) {
    call.sdp.text = text;
    call.sdp.version += 1;
  }
  return write(call.sdp.version);
}
