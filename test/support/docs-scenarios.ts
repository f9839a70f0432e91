// Parts of scenarios that a page shows, made whole: sections are put into a scenario that has everything they may refer to, and what belongs into a
// group goes into one, of the endpoint type that the heading above names.

import { scenarioShape } from '../../scenarios/schema.ts';
import { keysOf } from './docs.ts';

type Mapping = Readonly<Record<string, unknown>>;
const isMapping = (value: unknown): value is Mapping => typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, Mapping>> = {
  http: { requests: [{ name: 'log in', url: 'http://127.0.0.1:1/' }] },
  websocket: { url: 'ws://127.0.0.1:1/' },
  sip: { server: 'sip:127.0.0.1:5060', call: 'sip:a@127.0.0.1' },
  rtp: { streams: [{ to: '127.0.0.1:4000', audio: 'audio-80k' }] },
  exec: { command: ['program'], targets: ['127.0.0.1:1'] },
};

const typeOf = (heading: string): string => Object.keys(TYPES).find((type) => heading.toLowerCase().split(/\W+/).includes(type)) ?? 'http';

function wholeGroup(part: Mapping, heading: string): Mapping {
  const type = typeof part.type === 'string' ? part.type : typeOf(heading);
  const load = { shape: [{ step: '100%', for: '10s' }], ...(part.perMeeting === undefined ? { endpoints: 3 } : {}) };
  return { type, load, behavior: TYPES[type], ...part };
}

/** The same object when it is whole already. */
export function wholeScenario(given: Mapping, heading: string): Mapping {
  if (given.name !== undefined && given.groups !== undefined) return given;
  const sections = Object.keys(keysOf(scenarioShape) ?? {});
  const hasSections = Object.keys(given).every((key) => sections.includes(key) && (key !== 'data' || isMapping(given.data)));
  const around = {
    name: 'part',
    targets: { api: 'http://127.0.0.1:1', rooms: 'ws://127.0.0.1:1' },
    meetings: { count: 3, provision: { url: 'http://127.0.0.1:1/', save: { id: '$.id', passcode: '$.passcode' } } },
  };
  if (!hasSections) return { ...around, groups: { visitors: wholeGroup({ meetings: 'round-robin', ...given }, heading) } };
  const groups = isMapping(given.groups) ? given.groups : { visitors: {} };
  const whole = Object.entries(groups).map(([name, part]) => [name, wholeGroup(isMapping(part) ? part : {}, heading)]);
  return { ...around, ...given, groups: Object.fromEntries(whole) };
}
