// A strict reader of Prometheus' text format 0.0.4 and OpenMetrics, by its own reading of the specifications: what promtool would complain about (order, types, names, escapes, repeated
// series, buckets that fall, counts that disagree) is a complaint here.

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadPage {
  readonly samples: readonly ReadSample[];
  readonly types: ReadonlyMap<string, string>;
  readonly complaints: readonly string[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (NaN|[+-]Inf|[-+0-9.eE]+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

function readLabels(text: string, complain: (what: string) => void): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const match = LABEL.exec(rest);
    if (match === null) {
      complain(`labels not readable at ${rest}`);
      return labels;
    }
    const [whole, name = '', value = ''] = match;
    if (Object.hasOwn(labels, name)) complain(`label ${name} twice`);
    labels[name] = value.replaceAll(/\\(.)/g, (_all, character) => (character === 'n' ? '\n' : character));
    rest = rest.slice(whole.length);
  }
  return labels;
}

const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);

/** The family that a sample name belongs to by its suffix. */
function belongs(name: string, family: string, type: string, isOpen: boolean): boolean {
  if (type === 'histogram') return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name);
  if (type === 'counter' && isOpen) return name === `${family}_total`;
  return name === family;
}

export function readExposition(page: string, isOpen = false): ReadPage {
  const samples: ReadSample[] = [];
  const types = new Map<string, string>();
  const complaints: string[] = [];
  const seen = new Set<string>();
  let family = '';
  if (!page.endsWith('\n')) complaints.push('the last line does not end');
  const lines = page.split('\n').slice(0, -1);
  if (isOpen && lines.pop() !== '# EOF') complaints.push('no # EOF at the end');
  for (const [index, line] of lines.entries()) {
    const complain = (what: string): void => void complaints.push(`line ${index + 1}: ${what}: ${line.slice(0, 120)}`);
    const meta = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`).exec(line);
    if (meta !== null) {
      const [, what = '', name = '', text = ''] = meta;
      if (what === 'TYPE') {
        if (types.has(name)) complain('TYPE twice');
        if (!['counter', 'gauge', 'histogram'].includes(text)) complain('unknown type');
        if (!isOpen && text === 'counter' && !name.endsWith('_total')) complain('a counter whose name does not end in _total');
        types.set(name, text);
        family = name;
      } else if (what === 'HELP' && text === '') complain('no help');
      else if (what === 'UNIT' && !(isOpen && name.endsWith(`_${text}`))) complain('a unit that is not the last word');
      continue;
    }
    const match = SAMPLE.exec(line);
    if (match === null) {
      complain('neither a comment nor a sample');
      continue;
    }
    const [, name = '', labelText = '', value = ''] = match;
    const type = types.get(family) ?? '';
    if (!belongs(name, family, type, isOpen)) complain(`does not belong to ${family}`);
    const labels = readLabels(labelText, complain);
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) complain('a series twice');
    seen.add(key);
    const number = numberOf(value);
    if (type !== 'gauge' && !(number >= 0)) complain('a count below zero');
    samples.push({ name, labels, value: number });
  }
  return { samples, types, complaints: [...complaints, ...histogramComplaints(samples, types)] };
}

function histogramComplaints(samples: readonly ReadSample[], types: ReadonlyMap<string, string>): string[] {
  const complaints: string[] = [];
  for (const [family, type] of types) {
    if (type !== 'histogram') continue;
    const keyOf = ({ le: _le, ...rest }: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(rest).sort());
    const counts = new Map(samples.filter(({ name }) => name === `${family}_count`).map(({ labels, value }) => [keyOf(labels), value]));
    const sums = new Set(samples.filter(({ name }) => name === `${family}_sum`).map(({ labels }) => keyOf(labels)));
    const last = new Map<string, ReadSample>();
    for (const sample of samples.filter(({ name }) => name === `${family}_bucket`)) {
      const key = keyOf(sample.labels);
      const before = last.get(key);
      if (sample.labels.le === undefined) complaints.push(`${family}: a bucket without le`);
      if (before !== undefined && !(numberOf(sample.labels.le ?? '') > numberOf(before.labels.le ?? '')))
        complaints.push(`${family}: le falls`);
      if (before !== undefined && sample.value < before.value) complaints.push(`${family}: a bucket holds less than the one below`);
      last.set(key, sample);
    }
    for (const [key, sample] of last) {
      if (sample.labels.le !== '+Inf') complaints.push(`${family}: no +Inf bucket`);
      if (sample.value !== counts.get(key)) complaints.push(`${family}: +Inf is not the count`);
      if (!sums.has(key)) complaints.push(`${family}: no sum`);
    }
    if (counts.size !== last.size) complaints.push(`${family}: counts without buckets`);
  }
  return complaints;
}
