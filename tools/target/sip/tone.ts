// The tone that callers hear with sipMedia 'tone': 400 Hz as G.711, 20 ms a packet. 160 samples at 8,000 a second are eight whole periods, so one
// payload, sent again and again, is a tone without a click.

import { encodeG711, type G711Law } from '../../../node/wire/g711.ts';

const PEAK = 8_000;
const samples = Int16Array.from({ length: 160 }, (_, index) => Math.round(PEAK * Math.sin((2 * Math.PI * 400 * index) / 8_000)));
const laws: readonly G711Law[] = ['PCMU', 'PCMA'];

/** By the codec's name in SDP; other codecs play nothing. */
export const TONES: ReadonlyMap<string, Uint8Array> = new Map(laws.map((law) => [law, encodeG711(law, samples)]));
