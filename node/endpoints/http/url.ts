// Splitting a URL into what a connection needs and what a request line needs. `new URL` costs a microsecond or two, which is a tenth of a
// request, so plain URLs are cut by hand and everything unusual goes to the real parser.

export interface Place {
  /** scheme://host[:port], what connections are kept by. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

const PLAIN = /^https?:\/\/[a-z0-9.:[\]-]+(\/[\x21\x22\x24-\x7e]*)?$/;

/** Undefined when the text is no http(s) URL. */
export function splitUrl(url: string): Place | undefined {
  if (!PLAIN.test(url)) return splitUnusual(url);
  const slash = url.indexOf('/', url.indexOf('://') + 3);
  return slash === -1 ? { origin: url, path: '/' } : { origin: url.slice(0, slash), path: url.slice(slash) };
}

function splitUnusual(url: string): Place | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return undefined;
  return { origin: parsed.origin, path: parsed.pathname + parsed.search };
}

/** Where a Location header points, seen from the request that it answered. */
export function resolveLocation(from: Place, location: string): Place | undefined {
  const target = URL.parse(location, from.origin + from.path);
  return target === null ? undefined : splitUnusual(target.href);
}
