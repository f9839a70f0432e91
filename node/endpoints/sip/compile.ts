// From options to what endpoints use, once a group: the server's address, templates of addresses and digits, and the steps of a call in a form
// that needs no look at the options any more.

import { drawThinkMs, type Think } from '../../core/option-shapes.ts';
import { compileTemplate, type Template } from '../../core/template.ts';
import type { SipTransportName } from '../../sip/types.ts';
import type { SipOptions, Step } from './options.ts';

export interface ServerAddress {
  readonly scheme: 'sip' | 'sips';
  /** As written: a name or an IP literal, no brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: SipTransportName;
}

const SERVER = /^(?:(sips?):)?(?:[^@\s]*@)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(?:;lr)?(?:;transport=(udp|tcp|tls))?(?:;lr)?$/i;

/** Null for what is no server address. Ports default to 5060, for TLS 5061 (RFC 3261, 19.1.2). */
export function parseServer(text: string): ServerAddress | null {
  const match = SERVER.exec(text);
  if (match === null) return null;
  const scheme = match[1]?.toLowerCase() === 'sips' ? 'sips' : 'sip';
  const transport = (match[4]?.toLowerCase() ?? (scheme === 'sips' ? 'tls' : 'udp')) as SipTransportName;
  const port = match[3] === undefined ? (transport === 'tls' ? 5061 : 5060) : Number(match[3]);
  if (port < 1 || port > 65_535) return null;
  return { scheme, host: (match[2] as string).replace(/^\[|\]$/g, ''), port, transport };
}

/** The host as a URI writes it. */
export const uriHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

export type CompiledStep =
  | { readonly kind: 'talk' | 'mute' | 'hold' | 'rejoin'; readonly think: Think }
  | { readonly kind: 'dtmf'; readonly digits: Template }
  | { readonly kind: 'info'; readonly type: string; readonly body: Template }
  | { readonly kind: 'options' | 'leave' };

export interface CompiledSip {
  readonly server: ServerAddress;
  readonly from: Template;
  readonly displayName: Template | null;
  readonly authUser: Template | null;
  readonly authPassword: Template | null;
  readonly registrar: Template | null;
  readonly call: Template | null;
  readonly pin: { readonly digits: Template; readonly afterMs: number } | null;
  readonly headers: readonly (readonly [string, Template])[];
  readonly steps: readonly CompiledStep[];
}

function compileStep(step: Step): CompiledStep {
  if ('talk' in step) return { kind: 'talk', think: step.talk };
  if ('mute' in step) return { kind: 'mute', think: step.mute };
  if ('hold' in step) return { kind: 'hold', think: step.hold };
  if ('rejoin' in step) return { kind: 'rejoin', think: step.rejoin };
  if ('dtmf' in step) return { kind: 'dtmf', digits: compileTemplate(step.dtmf) };
  if ('info' in step) return { kind: 'info', type: step.info.type, body: compileTemplate(step.info.body) };
  return { kind: 'options' in step ? 'options' : 'leave' };
}

/** `options` must have passed check(): the server is an address. */
export function compileSip(options: SipOptions): CompiledSip {
  const server = parseServer(options.server) as ServerAddress;
  const template = (text: string | undefined): Template | null => (text === undefined ? null : compileTemplate(text));
  return {
    server,
    from: compileTemplate(options.from ?? `${server.scheme}:\${endpoint.id}@${uriHost(server.host)}`),
    displayName: template(options.displayName),
    authUser: template(options.auth?.user),
    authPassword: template(options.auth?.password),
    registrar: template(options.register?.registrar),
    call: template(options.call),
    pin: options.pin === undefined ? null : { digits: compileTemplate(options.pin.digits), afterMs: options.pin.after },
    headers: Object.entries(options.headers).map(([name, value]) => [name, compileTemplate(value)] as const),
    steps: options.do.map(compileStep),
  };
}

/** How long a step lasts this time. */
export const stepMs = (step: CompiledStep, uniform01: () => number): number => ('think' in step ? drawThinkMs(step.think, uniform01) : 0);
