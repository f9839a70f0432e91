// SIP as the tests of the embedded target speak it: written and read by hand, with nothing of our parsers, serialisers and user agents.

export interface Received {
  /** Status of a response, 0 for a request. */
  status: number;
  /** Method of a request, that of CSeq for a response. */
  method: string;
  start: string;
  headers: Map<string, string[]>;
  body: string;
  text: string;
}

/** Reads one whole message. */
export function readMessage(text: string): Received {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [start = '', ...lines] = head.split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const status = start.startsWith('SIP/2.0 ') ? Number(start.split(' ')[1]) : 0;
  const method = status === 0 ? (start.split(' ')[0] ?? '') : (headers.get('cseq')?.[0]?.split(' ')[1] ?? '');
  return { status, method, start, headers, body: rest.join('\r\n\r\n'), text };
}

export const header = (message: Received, name: string): string => message.headers.get(name)?.[0] ?? '';
export const tagOf = (message: Received, name: string): string => /;tag=([^;]+)/.exec(header(message, name))?.[1] ?? '';

export interface Parts {
  uri: string;
  callId: string;
  cseq?: number;
  fromTag?: string;
  toTag?: string;
  /** Default: one of its own for each Call-ID, CSeq and method, as a client that does not retransmit has. */
  branch?: string;
  /** Where responses go and calls come from. */
  via?: string;
  transport?: 'UDP' | 'TCP';
  to?: string;
  headers?: readonly string[];
  body?: string;
}

/** A request with all that RFC 3261, 8.1.1, wants; `headers` are whole lines. */
export function requestText(method: string, parts: Parts): string {
  const { uri, callId, cseq = 1, fromTag = 'me', toTag = '', via = '192.0.2.9:5060', transport = 'UDP', headers = [], body = '' } = parts;
  const branch = parts.branch ?? `z9hG4bK-${callId}-${cseq}-${method === 'CANCEL' ? 'INVITE' : method}`;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${via};branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: <sip:caller@example.test>;tag=${fromTag}`,
    `To: <${parts.to ?? uri}>${toTag === '' ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export interface SdpParts {
  host?: string;
  port?: number;
  /** Further lines of the audio section. */
  audio?: readonly string[];
  /** Whole lines behind it. */
  more?: readonly string[];
  formats?: string;
  protocol?: string;
}

export function sdpText({
  host = '127.0.0.1',
  port = 40_000,
  audio = [],
  more = [],
  formats = '0 101',
  protocol = 'RTP/AVP',
}: SdpParts = {}): string {
  const lines = [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} ${protocol} ${formats}`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    ...audio,
    ...more,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

export const withSdp = (sdp: string, ...headers: string[]): Pick<Parts, 'headers' | 'body'> => ({
  headers: ['Contact: <sip:caller@192.0.2.9:5060>', 'Content-Type: application/sdp', ...headers],
  body: sdp,
});

export interface RtpParts {
  sequence: number;
  timestamp?: number;
  ssrc?: number;
  payloadType?: number;
  marker?: boolean;
  payload?: Uint8Array;
}

export function rtp({
  sequence,
  timestamp = sequence * 160,
  ssrc = 0x1234,
  payloadType = 0,
  marker = false,
  payload = new Uint8Array(160),
}: RtpParts): Buffer {
  const packet = Buffer.alloc(12);
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  return Buffer.concat([packet, payload]);
}

/** The three packets or so that tell of one key (RFC 4733, 2.3). */
export function keyPackets(digit: string, sequence: number, timestamp: number): Buffer[] {
  const event = '0123456789*#ABCD'.indexOf(digit);
  return [0, 1, 2].map((step) => {
    const payload = Uint8Array.of(event, step === 2 ? 0x8a : 0x0a, 0, (160 * (step + 1)) & 0xff);
    return rtp({ sequence: sequence + step, timestamp, payloadType: 101, marker: step === 0, payload });
  });
}

/** A sender report with this NTP time, and nothing else in it (RFC 3550, 6.4.1). */
export function senderReport(ssrc: number, seconds: number, fraction: number): Buffer {
  const report = Buffer.alloc(28);
  report.writeUInt32BE(0x80c80006, 0);
  report.writeUInt32BE(ssrc, 4);
  report.writeUInt32BE(seconds, 8);
  report.writeUInt32BE(fraction, 12);
  return report;
}
