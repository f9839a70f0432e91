// What happens to a REGISTER, OPTIONS or INVITE from outside of every call before anybody looks at what it wants: the faults that settings inject, and
// credentials. The n-th such request draws its fate from the seed, as HTTP requests do.

import { drawAt, STREAMS } from '../chance.ts';
import { type Bridge, reply } from './bridge.ts';
import { challengeOf, judge, type NonceRules, readCredentials } from './digest-auth.ts';
import type { ServerTransaction } from './transactions.ts';

const RETRY_AFTER_S = 1;

function rulesOf({ service }: Bridge): NonceRules {
  return {
    secret: `${service.options.seed} ${service.options.sipPassword}`,
    nowMs: service.clock.nowMs(),
    nonceMs: service.settings.sipNonceMs,
  };
}

/** True when the request may go on; a challenge is a refusal. */
function isAuthorized(bridge: Bridge, transaction: ServerTransaction): boolean {
  const { settings, options, counters } = bridge.service;
  const isLoop = settings.sipAuthLoop === 'on';
  if (settings.sipAuth === 'off' && !isLoop) return true;
  const algorithm = settings.sipAuth === 'off' ? 'md5' : settings.sipAuth;
  const { method, uri, headers } = transaction.request;
  const rules = rulesOf(bridge);
  const verdicts = headers
    .filter(({ name }) => name === 'authorization')
    .map(({ value }) => readCredentials(value))
    .map((credentials) =>
      credentials === null ? 'foreign' : judge(credentials, { algorithm, rules, method, uri, password: options.sipPassword }),
    );
  if (isLoop) counters.sip.injected.authLoop += 1;
  else if (verdicts.includes('ok')) return true;
  if (verdicts.includes('wrong')) counters.sip.wrongCredentials += 1;
  counters.sip.challenges += 1;
  reply(bridge, transaction, 401, [{ name: 'www-authenticate', value: challengeOf(algorithm, rules, verdicts.includes('stale')) }]);
  return false;
}

/** True when the request is to be served; otherwise it was answered, or never will be. */
export function mayPass(bridge: Bridge, transaction: ServerTransaction): boolean {
  const { settings, options, counters } = bridge.service;
  const { method } = transaction.request;
  const draw = drawAt(options.seed, STREAMS.sipFate, bridge.arrivals++);
  if (draw < settings.sipSilentRate) {
    counters.sip.injected.silent += 1;
    bridge.transactions.ignore(transaction);
    return false;
  }
  const isRejected = draw < settings.sipSilentRate + settings.sipRejectRate;
  if (isRejected || bridge.isStopping) {
    if (isRejected) counters.sip.injected.reject += 1;
    reply(bridge, transaction, 503, [{ name: 'retry-after', value: String(RETRY_AFTER_S) }]);
    return false;
  }
  return method === 'OPTIONS' || isAuthorized(bridge, transaction);
}
