// Enough cookies for a login to hold (RFC 6265, the parts that a load test of one origin needs): name, value and deletion. Path, domain and
// expiry dates are not looked at: cookies live as long as an iteration and go back to the origin that set them.

export interface CookieJar {
  readonly take: (origin: string, setCookie: string | string[] | undefined) => void;
  /** Value of the Cookie header, or undefined when there is none to send. */
  readonly headerFor: (origin: string) => string | undefined;
  readonly clear: () => void;
}

/** A target that sets more would grow the generator's memory with every answer. */
const COOKIES_MAX = 50;

export function createCookieJar(): CookieJar {
  const byOrigin = new Map<string, Map<string, string>>();
  return {
    take(origin, setCookie) {
      if (setCookie === undefined) return;
      const jar = byOrigin.get(origin) ?? new Map<string, string>();
      byOrigin.set(origin, jar);
      for (const line of Array.isArray(setCookie) ? setCookie : [setCookie]) {
        const match = /^\s*([^=;\s]+)=([^;]*)/.exec(line);
        if (match === null) continue;
        const [, name, value] = match as unknown as [string, string, string];
        if (/;\s*max-age=(0|-\d+)\s*(;|$)/i.test(line)) jar.delete(name);
        else if (jar.has(name) || jar.size < COOKIES_MAX) jar.set(name, value.trim());
      }
    },
    headerFor(origin) {
      const jar = byOrigin.get(origin);
      if (jar === undefined || jar.size === 0) return undefined;
      return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    clear: () => byOrigin.clear(),
  };
}
