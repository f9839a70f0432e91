// Gets a request on its way: finds the next hop's path, writes the text with a fresh branch, starts the transaction. Nothing is called back within the
// call itself, so that whoever sends can finish first. Requests over 1300 bytes go by TCP where that is wanted (RFC 3261, 18.1.1).

import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import type { Core } from './core.ts';
import type { Path, Port } from './path.ts';
import { type Correspondence, requestText } from './request-text.ts';

export interface Hop extends Correspondence {
  /** URI that the packet goes to: route, proxy or target. */
  readonly hopUri: string;
}

/** Larger requests risk fragments: the MTU less 200 bytes, 1300 where it is not known. */
const LARGE_BYTES = 1300;
/** Next hops remembered for a port: contacts of peers come and go. */
const PATHS_MAX = 10_000;

/** Calls back with a path, at once where the hop is known; else with what is wrong. */
export function withPath(core: Core, port: Port, hopUri: string, done: (path: Path | null, detail: string) => void): void {
  const known = knownPath(core, port, hopUri);
  if (known !== null) return done(known, '');
  core.destinations.resolve(hopUri, (destination, detail) => {
    if (destination === null) return done(null, detail);
    let path: Path;
    try {
      core.admit(destination.host, destination.port);
      path = port.pathTo(destination.transport, destination.host, destination.port);
    } catch (error) {
      // Nobody invited us there, the table of addresses is full, or the family is not that of the socket.
      return done(null, error instanceof Error ? error.message : String(error));
    }
    remember(core, port, hopUri, path);
    done(path, '');
  });
}

function knownPath(core: Core, port: Port, hopUri: string): Path | null {
  const path = core.paths.get(port)?.get(hopUri);
  return path?.isOpen ? path : null;
}

function remember(core: Core, port: Port, hopUri: string, path: Path): void {
  let paths = core.paths.get(port);
  if (paths === undefined) {
    paths = new Map();
    core.paths.set(port, paths);
  }
  if (paths.size >= PATHS_MAX) paths.clear();
  paths.set(hopUri, path);
}

/** `credentials`: Authorization lines for this attempt. The result, good or bad, goes to `owner`. */
export function transmit(core: Core, port: Port, hop: Hop, request: OutgoingRequest, credentials: string, owner: ClientOwner): void {
  const known = knownPath(core, port, hop.hopUri);
  if (known !== null) return start(core, known, hop, request, credentials, owner);
  withPath(core, port, hop.hopUri, (path, detail) => {
    if (core.isClosed || request.isDropped) return;
    if (path === null) failLater(core, request, 'transport', detail, owner);
    else start(core, path, hop, request, credentials, owner);
  });
}

function start(core: Core, path: Path, hop: Hop, request: OutgoingRequest, credentials: string, owner: ClientOwner): void {
  const branch = core.ids.branch();
  const { method, cseq, contentType, body } = request;
  const lines = credentials === '' ? request.lines : credentials + request.lines;
  let chosen = path;
  let text = requestText(method, hop, cseq, chosen, branch, lines, contentType, body);
  if (text.length > LARGE_BYTES && path.transport === 'udp') {
    if (core.largeByTcp) {
      try {
        chosen = path.port.pathTo('tcp', path.remote.host, path.remote.port);
      } catch (error) {
        return failLater(core, request, 'overload', error instanceof Error ? error.message : String(error), owner);
      }
      text = requestText(method, hop, cseq, chosen, branch, lines, contentType, body);
    } else core.count('large-request', 1);
  }
  if (core.clients.start(branch, text, chosen, owner, request) === null)
    failLater(core, request, 'overload', 'too many transactions', owner);
}

function failLater(core: Core, request: OutgoingRequest, cause: 'transport' | 'overload', detail: string, owner: ClientOwner): void {
  const nowMs = core.clock.nowMs();
  core.clock.at(nowMs, () => {
    if (!core.isClosed && !request.isDropped) owner.onNoResponse(request, cause, detail, core.clock.nowMs());
  });
}

/** A message that belongs to no transaction: the ACK of a 2xx. What cannot be sent is counted; the 2xx will come again. */
export function transmitAlone(core: Core, port: Port, hop: Hop, write: (path: Path) => string): void {
  withPath(core, port, hop.hopUri, (path) => {
    if (path === null || core.isClosed || !path.send(write(path))) core.count('send-failed', 1);
  });
}
