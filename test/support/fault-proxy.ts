// A TCP-level stand-in between an S3 client and its server that breaks requests in the ways networks and stores do: answers an error instead of passing a request on, cuts the
// connection in the middle of a body, alters a body after it was signed, or never answers. Everything else passes through unchanged. Faults are chosen by a function
// over the request line and its number, so a test says exactly which request of which kind meets what.

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'alter' }
  /** Passed on, and then the answer is lost. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'silence' };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** From 1, of those with the same method. */
  readonly count: number;
}

export interface FaultProxy {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Null = pass it on. */
  choose: (request: SeenRequest) => Fault | null;
  close(): Promise<void>;
}

export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const seen: SeenRequest[] = [];
  const counts = new Map<string, number>();
  let choose: FaultProxy['choose'] = () => null;
  const server = createServer((incoming, response) => {
    const { method = '', url = '' } = incoming;
    const count = (counts.get(method) ?? 0) + 1;
    counts.set(method, count);
    const one = { method, url, count };
    seen.push(one);
    act(choose(one), incoming, response);
  });

  function act(fault: Fault | null, incoming: IncomingMessage, response: ServerResponse): void {
    if (fault === null || fault.kind === 'alter' || fault.kind === 'lose-answer') return pass(incoming, response, fault);
    if (fault.kind === 'silence') return void incoming.resume();
    if (fault.kind === 'answer') {
      incoming.resume();
      incoming.on('end', () => response.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body ?? ''));
      return;
    }
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= fault.afterBytes) incoming.socket.destroy();
    });
  }

  function pass(incoming: IncomingMessage, response: ServerResponse, fault: Fault | null): void {
    const { method, url: path, headers } = incoming;
    const outgoing = request({ host: target.hostname, port: target.port, method, path, headers, agent: false }, (answer) => {
      if (fault?.kind === 'lose-answer') {
        answer.resume();
        answer.on('end', () => incoming.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (method === 'HEAD') response.end();
      else answer.pipe(response);
    });
    outgoing.on('error', () => {
      // Swift sends a body with the answer to a HEAD, over which the parser stumbles after it has the answer.
      if (!response.headersSent) response.destroy();
    });
    response.on('close', () => outgoing.destroy());
    let isAltered = false;
    incoming.on('data', (chunk: Buffer) => {
      if (fault?.kind === 'alter' && !isAltered && chunk.length > 0) {
        chunk[0] = (chunk[0] as number) ^ 1;
        isAltered = true;
      }
      if (!outgoing.write(chunk)) incoming.pause();
    });
    outgoing.on('drain', () => incoming.resume());
    incoming.on('end', () => outgoing.end());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    set choose(chosen: FaultProxy['choose']) {
      choose = chosen;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
