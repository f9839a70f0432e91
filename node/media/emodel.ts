// Speech quality from what a receiver measured: the E-model of ITU-T G.107 (06/2015, narrowband), which gives a rating R of 0 to 100 and from it a mean
// opinion score. Loss counts through the codec's Ie and Bpl (ITU-T G.113, Appendix I), delay through Id; everything else has the Recommendation's
// default, so an undisturbed G.711 call has R = 93.2 and MOS 4.41. Delay is the network's: coding and packet times are the terminals', not the
// target's. Jitter is heard only through a playout buffer, so one is assumed (see `playoutOf`). It estimates; it does not listen.

export interface QualityInput {
  /** As in SDP, in any case. */
  readonly codec: string;
  /** Packets that never came or came twice too late for use, 0 to 1. */
  readonly lossShare: number;
  /** Mean length of losses in a row against that of random loss (G.107, 3.5); 1 = random, more = bursts. Absent: 1. */
  readonly burstRatio?: number;
  /** One way, network only, ms; half of the round trip where that is all that is known. */
  readonly oneWayDelayMs: number;
  /** RFC 3550, A.8, ms. */
  readonly jitterMs: number;
}

interface Impairment {
  /** Equipment impairment factor without loss. */
  readonly ie: number;
  /** Packet-loss robustness factor. */
  readonly bpl: number;
}

/** G.711 with the concealment of its Appendix I: what receivers do today. Without any (Bpl 4.3), one packet in a hundred costs 18 points, not 4. */
const G711_CONCEALED: Impairment = { ie: 0, bpl: 25.1 };

const IMPAIRMENTS: ReadonlyMap<string, Impairment> = new Map([
  ['PCMU', G711_CONCEALED],
  ['PCMA', G711_CONCEALED],
  ['G729', { ie: 11, bpl: 19 }],
  // No value is published on the narrowband scale. At 24 kbit/s and more Opus is transparent there and conceals at least as well as G.711 does.
  ['OPUS', G711_CONCEALED],
]);

/** Noise at the 0 dBr point, basic signal-to-noise ratio and simultaneous impairments for the defaults of G.107, table 2 (equations 7-3, 7-2, 7-8). */
const NO = -61.179214;
const RO = 94.768822;
const IS = 1.413568;
/** Defaults of table 2, dB: receive loudness, talker echo loudness, weighted echo path loss. */
const RLR = 2;
const TELR = 65;
const WEPL = 110;
/** Delay that nobody notices, ms (mT); sensitivity sT = 1 is in the exponent 6. */
const PERCEIVABLE_DELAY_MS = 100;

/** Id of G.107, 7.4, for a delay of `ms` one way with the default echo losses: talker echo + listener echo + too long absolute delay. */
export function delayImpairment(ms: number): number {
  const terv = TELR - 40 * Math.log10((1 + ms / 10) / (1 + ms / 150)) + 6 * Math.exp(-0.3 * ms * ms);
  const talker = (-1.5 * (NO - RLR) - (80 + 2.5 * (terv - 14))) / 2;
  const idte = ms < 1 ? 0 : (talker + Math.sqrt(talker * talker + 100) - 1) * (1 - Math.exp(-ms));
  const listener = (RO - 10.5 * (WEPL + 7) * (2 * ms + 1) ** -0.25) / 2;
  const idle = listener + Math.sqrt(listener * listener + 169);
  return idte + idle + absoluteDelay(ms);
}

function absoluteDelay(ms: number): number {
  if (ms <= PERCEIVABLE_DELAY_MS) return 0;
  const x = Math.log2(ms / PERCEIVABLE_DELAY_MS);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** Ie,eff of G.107, 7.5. */
export function lossImpairment({ ie, bpl }: Impairment, lossShare: number, burstRatio: number): number {
  const ppl = lossShare * 100;
  return ppl === 0 ? ie : ie + ((95 - ie) * ppl) / (ppl / burstRatio + bpl);
}

/** More than this no terminal buffers: conversation ends before. */
const PLAYOUT_MS_MAX = 200;

/**
 * The adaptive playout buffer that is assumed: four mean deviations of the delay deep (Ramjee and others, 1994), and RFC 3550's jitter, a mean of
 * differences, is sqrt 2 of them. It delays by its depth. Beyond 200 ms it grows no more, and what then comes too late (with exponential tails) is lost.
 */
export function playoutOf(jitterMs: number): { readonly delayMs: number; readonly lateShare: number } {
  const deviationMs = jitterMs / Math.SQRT2;
  const delayMs = 4 * deviationMs;
  if (delayMs <= PLAYOUT_MS_MAX) return { delayMs, lateShare: 0 };
  return { delayMs: PLAYOUT_MS_MAX, lateShare: (Math.exp(-PLAYOUT_MS_MAX / deviationMs) - Math.exp(-4)) / 2 };
}

/** The rating R, not below 0; null for a codec whose impairment is not known. */
export function rFactorOf(input: QualityInput): number | null {
  const impairment = IMPAIRMENTS.get(input.codec.toUpperCase());
  if (impairment === undefined) return null;
  const { delayMs, lateShare } = playoutOf(input.jitterMs);
  const lossShare = Math.min(1, input.lossShare + (1 - input.lossShare) * lateShare);
  const id = delayImpairment(input.oneWayDelayMs + delayMs);
  return Math.max(0, RO - IS - id - lossImpairment(impairment, lossShare, input.burstRatio ?? 1));
}

/** G.107, Annex B: estimated mean opinion score (MOS-CQE), 1 to 4.5, of a rating. */
export function mosOfRFactor(r: number): number {
  if (r >= 100) return 4.5;
  // The cubic dips below 1 between 0 and 6.5.
  return r <= 0 ? 1 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/** Mean opinion score of a stream; null for a codec whose impairment is not known. */
export function mosOf(input: QualityInput): number | null {
  const r = rFactorOf(input);
  return r === null ? null : mosOfRFactor(r);
}
