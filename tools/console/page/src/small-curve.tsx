// A small curve that does not move: what a plan wants over time, or what a run delivered beside it. Drawn as SVG, with its figures as a table behind it.

import { formatClock, formatCount } from './text.ts';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 160, 64, 24, 10];

interface CurveInit {
  readonly label: string;
  readonly stepMs: number;
  readonly main: readonly number[];
  readonly other?: readonly number[];
  readonly mainName: string;
  readonly otherName?: string;
}

const ROWS = 20;

export function SmallCurve({ label, stepMs, main, other = [], mainName, otherName = '' }: CurveInit) {
  const top = Math.max(1, ...main, ...other) * 1.05;
  const last = Math.max(1, main.length - 1);
  const x = (index: number): number => LEFT + (index / last) * (WIDTH - LEFT - 8);
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const path = (values: readonly number[]): string =>
    values.map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const floor = y(0).toFixed(1);
  const every = Math.max(1, Math.ceil(main.length / ROWS));
  return (
    <figure class="curve">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${label}: up to ${formatCount(Math.max(0, ...main))} in ${formatClock(last * stepMs)}`}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="curve-grid" x1={LEFT} x2={WIDTH - 8} y1={y(share * (top / 1.05))} y2={y(share * (top / 1.05))} />
            <text class="curve-text" x={LEFT - 8} y={y(share * (top / 1.05)) + 4} text-anchor="end">
              {formatCount(Math.round(share * (top / 1.05)))}
            </text>
          </g>
        ))}
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <text
            class="curve-text"
            key={share}
            x={x(share * last)}
            y={HEIGHT - 6}
            text-anchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}
          >
            {formatClock(share * last * stepMs)}
          </text>
        ))}
        {main.length > 0 && <path class="curve-fill" d={`${path(main)}L${x(last).toFixed(1)} ${floor}L${LEFT} ${floor}Z`} />}
        <path class="curve-main" d={path(main)} />
        {other.length > 0 && <path class="curve-other" d={path(other)} />}
      </svg>
      <details class="table-behind">
        <summary>
          Table<span class="hidden"> of {label}</span>
        </summary>
        <div class="scroll">
          <table>
            <caption class="hidden">{label}</caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col" class="number">
                  {mainName}
                </th>
                {other.length > 0 && (
                  <th scope="col" class="number">
                    {otherName}
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {main.flatMap((value, index) =>
                index % every !== 0 && index !== last
                  ? []
                  : [
                      <tr key={index * stepMs}>
                        <th scope="row">{formatClock(index * stepMs)}</th>
                        <td class="number">{formatCount(value)}</td>
                        {other.length > 0 && <td class="number">{formatCount(other[index])}</td>}
                      </tr>,
                    ],
              )}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
