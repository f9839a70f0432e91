// Everything that shapes the target, in one table: its flag, its bounds or choices, its default, and what it is for. The
// command line, the library entry and PATCH /api/settings all validate against it, and all report every error at once.
// "Settings" are the part that may change while the target runs; the rest is fixed at the start.

interface FieldBase {
  key: string;
  flag: string;
  setting?: boolean;
  about: string;
}

interface NumberField extends FieldBase {
  initial: number | null;
  min: number;
  max: number;
  integer?: boolean;
}

interface ChoiceField extends FieldBase {
  initial: string;
  choices: readonly string[];
}

interface TextField extends FieldBase {
  initial: string;
  charactersMax: number;
}

type AnyField = NumberField | ChoiceField | TextField;

// biome-ignore format: a table reads by rows
export const FIELDS = [
  { key: 'host', flag: 'host', initial: '127.0.0.1', charactersMax: 255, about: 'address to listen on' },
  { key: 'port', flag: 'port', initial: 0, min: 0, max: 65535, integer: true, about: 'TCP port, 0 picks a free one' },
  { key: 'seed', flag: 'seed', initial: 1, min: 0, max: 2 ** 32 - 1, integer: true, about: 'seed of all randomness' },
  { key: 'serviceTimeMs', flag: 'service-time-ms', initial: 2, min: 0, max: 60_000, setting: true, about: 'mean time to serve a request' },
  { key: 'serviceTimeJitterMs', flag: 'service-time-jitter-ms', initial: 1, min: 0, max: 60_000, setting: true, about: 'service time varies evenly by this much either way' },
  { key: 'errorRate', flag: 'error-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share answered 503 with JSON' },
  { key: 'hangRate', flag: 'hang-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share never answered' },
  { key: 'resetRate', flag: 'reset-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share whose connection is reset' },
  { key: 'garbageRate', flag: 'garbage-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share answered 200 with bytes that are not JSON' },
  { key: 'capacityRps', flag: 'capacity-rps', initial: null, min: 0.1, max: 1e6, setting: true, about: 'requests a second it can serve; absent: no limit' },
  { key: 'queueMsMax', flag: 'queue-ms-max', initial: 250, min: 0, max: 60_000, setting: true, about: 'over capacity, a request waits at most this long, else 429' },
  { key: 'roomDelayMs', flag: 'room-delay-ms', initial: 0, min: 0, max: 10_000, setting: true, about: 'delay of every message and pong in rooms' },
  { key: 'messageDropRate', flag: 'message-drop-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share of room messages delivered to nobody' },
  { key: 'meetingsMax', flag: 'max-meetings', initial: 10_000, min: 1, max: 1e6, integer: true, about: 'meetings at one time' },
  { key: 'participantsMax', flag: 'max-participants', initial: 2_000, min: 1, max: 1e6, integer: true, about: 'participants of one meeting' },
  { key: 'participantsTotalMax', flag: 'max-participants-total', initial: 100_000, min: 1, max: 1e6, integer: true, about: 'participants of all meetings' },
  { key: 'connectionsMax', flag: 'max-connections', initial: 50_000, min: 1, max: 1e6, integer: true, about: 'TCP connections at one time' },
  { key: 'requestsMax', flag: 'max-requests', initial: 20_000, min: 1, max: 1e6, integer: true, about: 'requests in flight, hung ones included; more get 429' },
  { key: 'messageBytesMax', flag: 'max-message-bytes', initial: 65_536, min: 16, max: 1_048_576, integer: true, about: 'size of one room message' },
  { key: 'bufferedBytesMax', flag: 'max-buffered-bytes', initial: 1_048_576, min: 1_024, max: 2 ** 30, integer: true, about: 'unsent bytes of one room socket; a slower reader is dropped' },
  { key: 'presenceMembersMax', flag: 'max-presence-members', initial: 500, min: 0, max: 1e6, integer: true, about: 'rooms with more sockets broadcast no presence: joins would cost their square' },
  { key: 'heartbeatMs', flag: 'heartbeat-ms', initial: 30_000, min: 10, max: 3_600_000, about: 'room sockets silent this long are dropped' },
  { key: 'drainMsMax', flag: 'max-drain-ms', initial: 500, min: 0, max: 60_000, about: 'on stop, requests in flight may take this long' },
  { key: 'sip', flag: 'sip', initial: 'on', choices: ['on', 'off'], about: 'the SIP meeting server' },
  { key: 'sipPort', flag: 'sip-port', initial: 0, min: 0, max: 65535, integer: true, about: 'SIP port, UDP and TCP, 0 picks a free one' },
  { key: 'sipPassword', flag: 'sip-password', initial: 'secret', charactersMax: 200, about: 'digest password of every SIP user' },
  { key: 'sipCallsMax', flag: 'max-sip-calls', initial: 10_000, min: 1, max: 1e6, integer: true, about: 'calls at one time; more get 503' },
  { key: 'sipBindingsMax', flag: 'max-sip-bindings', initial: 100_000, min: 1, max: 1e6, integer: true, about: 'registered contacts; more get 503' },
  { key: 'sipPortsMax', flag: 'max-sip-ports', initial: 4_000, min: 1, max: 20_000, integer: true, about: 'media ports (RTP, and RTCP beside it); more streams share them' },
  { key: 'sipAuth', flag: 'sip-auth', initial: 'off', choices: ['off', 'md5', 'sha-256'], setting: true, about: 'digest for REGISTER and new INVITEs' },
  { key: 'sipAuthLoop', flag: 'sip-auth-loop', initial: 'off', choices: ['off', 'on'], setting: true, about: 'answer 401 whatever the credentials' },
  { key: 'sipNonceMs', flag: 'sip-nonce-ms', initial: 300_000, min: 0, max: 86_400_000, setting: true, about: 'older nonces are stale' },
  { key: 'sipPin', flag: 'sip-pin', initial: 'off', choices: ['off', 'required'], setting: true, about: 'callers key in the passcode and # before they join' },
  { key: 'sipPinMs', flag: 'sip-pin-ms', initial: 10_000, min: 10, max: 600_000, setting: true, about: 'time for the passcode, from the answer on' },
  { key: 'sipMedia', flag: 'sip-media', initial: 'echo', choices: ['echo', 'forward', 'tone', 'none'], setting: true, about: 'what callers hear: themselves, up to three others, a tone, nothing' },
  { key: 'sipAnswerDelayMs', flag: 'sip-answer-delay-ms', initial: 20, min: 0, max: 600_000, setting: true, about: 'from 180 to 200' },
  { key: 'sipRejectRate', flag: 'sip-reject-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share of REGISTER, OPTIONS and new INVITE answered 503' },
  { key: 'sipSilentRate', flag: 'sip-silent-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share of the same never answered' },
  { key: 'sipDropAfterMs', flag: 'sip-drop-after-ms', initial: null, min: 0, max: 3_600_000, setting: true, about: 'calls are ended this long after the answer; absent: never' },
  { key: 'rtpLossRate', flag: 'rtp-loss-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share of RTP packets not sent' },
  { key: 'rtpDuplicateRate', flag: 'rtp-duplicate-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share sent twice' },
  { key: 'rtpReorderRate', flag: 'rtp-reorder-rate', initial: 0, min: 0, max: 1, setting: true, about: 'share sent after the packet that follows' },
  { key: 'rtpDelayMs', flag: 'rtp-delay-ms', initial: 0, min: 0, max: 10_000, setting: true, about: 'delay of all RTP sent' },
] as const satisfies readonly AnyField[];

type Field = (typeof FIELDS)[number];
type SettingKey = Extract<Field, { setting: true }>['key'];
type ValueOf<Entry> = Entry extends { choices: readonly (infer Choice)[] }
  ? Choice
  : Entry extends { initial: null }
    ? number | null
    : Entry extends { initial: string }
      ? string
      : number;

export type TargetOptions = { [Entry in Field as Entry['key']]: ValueOf<Entry> };
export type Settings = Pick<TargetOptions, SettingKey>;

export type Checked<Value> = { ok: true; value: Value } | { ok: false; errors: string[] };

export const DEFAULT_OPTIONS = Object.freeze(
  Object.fromEntries(FIELDS.map((field) => [field.key, field.initial])),
) as Readonly<TargetOptions>;

/** Shares that are drawn together: each adds up to at most 1. */
const SHARES: readonly (readonly Extract<SettingKey, `${string}Rate`>[])[] = [
  ['errorRate', 'hangRate', 'resetRate', 'garbageRate'],
  ['sipRejectRate', 'sipSilentRate'],
  ['rtpLossRate', 'rtpDuplicateRate', 'rtpReorderRate'],
];

const SETTING_KEYS = FIELDS.filter((field) => 'setting' in field).map((field) => field.key) as SettingKey[];

export function settingsOf(options: TargetOptions): Settings {
  return Object.fromEntries(SETTING_KEYS.map((key) => [key, options[key]])) as Settings;
}

function errorOf(field: AnyField, value: unknown): string | undefined {
  if ('choices' in field) {
    const isChoice = typeof value === 'string' && field.choices.includes(value);
    return isChoice ? undefined : `${field.key}: expected ${field.choices.join(', ')}`;
  }
  if ('charactersMax' in field) {
    const isText = typeof value === 'string' && value !== '' && value.length <= field.charactersMax;
    return isText ? undefined : `${field.key}: expected a text of 1 to ${field.charactersMax} characters`;
  }
  if (value === null && field.initial === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) return `${field.key}: expected a number`;
  if (field.integer === true && !Number.isInteger(value)) return `${field.key}: expected a whole number`;
  if (value < field.min || value > field.max) return `${field.key}: expected ${field.min} to ${field.max}, got ${value}`;
  return undefined;
}

function check(current: object, patch: object, keys: readonly string[]): string[] {
  const errors: string[] = [];
  for (const [key, value] of Object.entries(patch)) {
    const field = FIELDS.find((candidate) => candidate.key === key);
    if (!keys.includes(key)) errors.push(`${key}: unknown; known are ${keys.join(', ')}`);
    else if (field !== undefined) errors.push(...[errorOf(field, value)].filter((error) => error !== undefined));
  }
  const merged = { ...current, ...patch } as Settings;
  for (const rates of SHARES) {
    const sum = rates.reduce((total, key) => total + merged[key], 0);
    if (sum > 1 + 1e-9) errors.push(`${rates.join(' + ')}: expected at most 1, got ${sum}`);
  }
  return errors;
}

/** Options over the defaults, or every error in them. */
export function checkOptions(options: Partial<TargetOptions>): Checked<TargetOptions> {
  const known = FIELDS.map((field) => field.key);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const errors = check(DEFAULT_OPTIONS, given, known);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: { ...DEFAULT_OPTIONS, ...given } };
}

/** Settings with a patch applied, or every error in the patch; nothing is applied in part. */
export function checkSettings(current: Settings, patch: unknown): Checked<Settings> {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return { ok: false, errors: ['expected a JSON object'] };
  const errors = check(current, patch, SETTING_KEYS);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: { ...current, ...patch } };
}
