// Short stable causes for what goes wrong between generator and target, from the error codes of Node, undici and OpenSSL. The cause is what
// reports group by, so there are few; the example beside it keeps the detail. Exhaustion of the generator's own sockets is told apart from
// everything that the target or the network does (P8).

export interface NetworkCause {
  readonly side: 'target' | 'generator';
  readonly cause: string;
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect-refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CLOSED: 'reset',
  UND_ERR_DESTROYED: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  UND_ERR_HEADERS_OVERFLOW: 'garbage',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'garbage',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'garbage',
};

/** Out of ports, descriptors or buffers: the measurement says nothing about the target any more. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);
const UNSENDABLE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'ERR_INVALID_URL', 'UND_ERR_NOT_SUPPORTED']);

export function networkCause(error: { readonly code?: unknown; readonly name?: string }): NetworkCause {
  const code = typeof error.code === 'string' ? error.code : '';
  if (EXHAUSTED.has(code)) return { side: 'generator', cause: 'sockets-exhausted' };
  if (UNSENDABLE.has(code)) return { side: 'generator', cause: 'invalid-request' };
  const known = CAUSES[code];
  if (known !== undefined) return { side: 'target', cause: known };
  if (error.name === 'HTTPParserError' || code.startsWith('HPE_') || code.startsWith('WS_ERR_'))
    return { side: 'target', cause: 'garbage' };
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.includes('CERT') || code === 'EPROTO')
    return { side: 'target', cause: 'tls' };
  return { side: 'target', cause: code === '' ? 'error' : code.toLowerCase().replaceAll('_', '-') };
}
