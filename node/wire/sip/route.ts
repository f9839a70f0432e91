// Route sets (RFC 3261, 12.1, 12.2.1.1, 16.4): which Record-Route values a dialog keeps, and what request line and Route headers a request gets from them
// when its next hop routes loosely (RFC 3261) or strictly (RFC 2543).

import { parseAddress } from './address.ts';
import { headerValues } from './headers.ts';
import type { SipMessage } from './message.ts';
import { formatUri, parseUri, type SipUri } from './uri.ts';

/** The dialog's route set from the message that makes it: a server takes Record-Route as it stands, a client in reverse (12.1.1, 12.1.2). */
export function routeSetOf(message: SipMessage, side: 'client' | 'server'): readonly string[] {
  const values = headerValues(message, 'record-route');
  return side === 'client' ? values.reverse() : values;
}

/** The sip or sips URI in a Route or Contact value; null for anything else. */
export function sipUriIn(value: string): SipUri | null {
  const address = parseAddress(value);
  const uri = address === null ? null : parseUri(address.uri);
  return uri?.kind === 'sip' ? uri : null;
}

export interface RoutedTarget {
  readonly requestUri: string;
  /** Values of Route, top first. */
  readonly routes: readonly string[];
  /** Where the request is sent to. */
  readonly nextHop: string;
}

/**
 * What a request to `target` (a URI) gets from a route set, 12.2.1.1. A first route with `lr` stays a route; one without becomes the request line, and
 * the target goes to the end of the routes.
 */
export function routedTarget(target: string, routeSet: readonly string[]): RoutedTarget {
  const first = routeSet[0] === undefined ? null : sipUriIn(routeSet[0]);
  if (first === null) return { requestUri: target, routes: routeSet, nextHop: target };
  const hop = formatUri(first);
  if (first.parameters.has('lr')) return { requestUri: target, routes: routeSet, nextHop: hop };
  // Table 1 of 19.1.1: neither headers nor `method` may stand in a Request-URI.
  const parameters = new Map(first.parameters);
  parameters.delete('method');
  return { requestUri: formatUri({ ...first, parameters, headers: [] }), routes: [...routeSet.slice(1), `<${target}>`], nextHop: hop };
}
