// Thresholds with what is measured now and how far that is from the limit. Of a threshold that wants less, the bar fills towards the limit; of one that wants more, it empties.

import type { ThresholdResult } from '../../../../node/core/summary-types.ts';
import { Bar, Card, Chip, Text, type Tone } from './parts.tsx';
import { formatShare, formatUnit } from './text.ts';

const wantsMore = (expression: string): boolean => expression.includes('>');

/** Room that is left, as a share of the limit; negative = not met. */
function roomOf({ expression, observed, limit }: ThresholdResult): number | null {
  if (observed === null) return null;
  const scale = Math.abs(limit) || 1;
  return (wantsMore(expression) ? observed - limit : limit - observed) / scale;
}

function toneOf(threshold: ThresholdResult): Tone {
  if (threshold.state === 'fail') return 'bad';
  if (threshold.state === 'no-samples') return 'calm';
  return (roomOf(threshold) ?? 1) < 0.1 ? 'warn' : 'good';
}

const stateNames: Readonly<Record<ThresholdResult['state'], string>> = { pass: 'met', fail: 'not met', 'no-samples': 'no samples' };

export function Thresholds({ thresholds, when = 'now' }: { thresholds: readonly ThresholdResult[]; when?: 'now' | 'measured' }) {
  const failing = thresholds.filter(({ state }) => state === 'fail').length;
  const aside = failing === 0 ? null : <Chip tone="bad">{`${failing} of ${thresholds.length} not met`}</Chip>;
  return (
    // Beside each other after the end: what was last seen, and what the report says.
    <Card title={when === 'now' ? 'Thresholds' : 'Thresholds, measured'} aside={aside}>
      {thresholds.length === 0 && <p class="dim">The scenario has none.</p>}
      <ul class="thresholds">
        {thresholds.map((threshold) => {
          const { selector, expression, unit, observed, limit, state, abortOnFail } = threshold;
          const room = roomOf(threshold);
          const tone = toneOf(threshold);
          const fill =
            observed === null ? 0 : wantsMore(expression) ? limit / Math.max(1e-12, observed) : observed / (Math.abs(limit) || 1);
          return (
            <li key={selector + expression}>
              <div class="threshold-head">
                <span class="threshold-name">
                  <Text text={selector} max={64} /> <code>{expression}</code>
                </span>
                <Chip tone={tone}>{stateNames[state]}</Chip>
              </div>
              <Bar
                share={fill / 1.25}
                mark={0.8}
                tone={tone}
                label={`measured ${formatUnit(observed, unit)}, limit ${formatUnit(limit, unit)}`}
              />
              <div class="threshold-foot dim">
                <span>
                  {when} {formatUnit(observed, unit)} · limit {formatUnit(limit, unit)}
                  {abortOnFail ? ' · ends the run' : ''}
                </span>
                <span>{room === null ? '' : `${formatShare(Math.abs(room))} ${room >= 0 ? 'left' : 'over'}`}</span>
              </div>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
