// The heat map of a metric's latency: time to the right, latency upwards, darker where more answers were. Drawn on a canvas that lines up with the charts; under the pointer the counts of
// the moment, and a table behind it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { GUTTER, PADDING_RIGHT } from './chart.tsx';
import { chartKey, listenToPointer } from './chart-input.ts';
import { bandLabel, type HeatPicture, heatPicture } from './heat-bands.ts';
import { ALL } from './history.ts';
import { paintMarks } from './mark-paint.ts';
import { chartWindow, history } from './model.ts';
import { keepDrawn } from './picture.ts';
import { formatClock, formatCount, formatMs, shown } from './text.ts';
import { tone } from './theme.ts';

const HEIGHT = 168;
const BOTTOM = 26;
const TOP = 10;
/** Narrower columns cannot be told apart. */
const COLUMN_PX = 3;

function pictureOf(metric: string, group: string, columns: number): { picture: HeatPicture; boundsMs: readonly number[] } | null {
  const heat = history.heat(metric, group);
  if (heat === null) return null;
  const { fromMs, toMs } = chartWindow.stretch;
  const { counts, bands, boundsMs } = heat;
  return { picture: heatPicture({ times: history.times, stepMs: history.stepMs, counts, bands }, fromMs, toMs, columns), boundsMs };
}

function paint(canvas: HTMLCanvasElement, metric: string, group: string, width: number): void {
  const ratio = devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(HEIGHT * ratio)) canvas.height = Math.round(HEIGHT * ratio);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const plot = { left: GUTTER, top: TOP, width: width - GUTTER - PADDING_RIGHT, height: HEIGHT - TOP - BOTTOM };
  const found = pictureOf(metric, group, plot.width / (chartWindow.isMoving ? 2 * COLUMN_PX : COLUMN_PX));
  if (found === null || plot.width <= 0) return;
  const { picture, boundsMs } = found;
  context.scale(ratio, ratio);
  const bandHeight = plot.height / picture.bandCount;
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top, plot.width, plot.height);
  context.clip();
  context.fillStyle = tone('heat');
  picture.columns.forEach(({ left, width: share }, column) => {
    const x = plot.left + left * plot.width;
    for (let band = 0; band < picture.bandCount; band++) {
      const strength = picture.strength[column * picture.bandCount + band] as number;
      if (strength === 0) continue;
      context.globalAlpha = strength;
      context.fillRect(x, plot.top + plot.height - (band + 1) * bandHeight, share * plot.width + 0.4, bandHeight - 0.5);
    }
  });
  context.restore();
  paintAxes(context, plot, picture, boundsMs);
  context.setTransform(1, 0, 0, 1, 0, 0);
  const { fromMs, toMs } = chartWindow.stretch;
  const box = { left: plot.left * ratio, top: plot.top * ratio, width: plot.width * ratio, height: plot.height * ratio };
  paintMarks(context, box, fromMs, toMs, ratio);
}

function paintAxes(
  context: CanvasRenderingContext2D,
  plot: { left: number; top: number; width: number; height: number },
  { bandFirst, bandCount }: HeatPicture,
  boundsMs: readonly number[],
): void {
  const { fromMs, toMs } = chartWindow.stretch;
  context.fillStyle = tone('dim');
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const every = Math.max(1, Math.ceil(bandCount / 5));
  for (let band = every - 1; band < bandCount; band += every) {
    const bound = boundsMs[bandFirst + band];
    if (bound !== undefined) context.fillText(formatMs(bound), plot.left - 8, plot.top + plot.height * (1 - (band + 1) / bandCount) + 1);
  }
  const stepMs =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]
      .map((s) => s * 1000)
      .find((ms) => (ms / (toMs - fromMs)) * plot.width >= 64) ?? 10_800_000;
  context.textAlign = 'center';
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= toMs; ms += stepMs)
    context.fillText(formatClock(ms), plot.left + ((ms - fromMs) / (toMs - fromMs)) * plot.width, plot.top + plot.height + 15);
}

/** `group`: one, or `ALL`. */
export function HeatChart({ metric, group, title }: { metric: string; group: string; title: string }) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [told, setTold] = useState('');
  useEffect(() => {
    const [at, on] = [place.current, canvas.current];
    if (at === null || on === null) return;
    const stopPointer = listenToPointer(on);
    const kept = keepDrawn(at, { draw: (width) => paint(on, metric, group, width) });
    return () => {
      stopPointer();
      kept.stop();
    };
  }, [metric, group]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.ctrlKey && !event.metaKey && chartKey(event.key)) event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent): void => setTold(tellAt(metric, group, event.offsetX, canvas.current?.clientWidth ?? 1));
  return (
    <figure class="chart card">
      <figcaption>
        <h3>{shown(title)}</h3>
        <p class="dim told">{told === '' ? `${group === ALL ? 'all groups' : shown(group)}; stronger = more` : told}</p>
      </figcaption>
      <div
        class="plot"
        ref={place}
        tabIndex={0}
        role="group"
        aria-roledescription="heat map"
        aria-label={`${shown(title)}; arrows move, plus and minus zoom, End follows`}
        onKeyDown={onKeyDown}
      >
        <canvas
          class="heat"
          ref={canvas}
          onPointerDown={onPointerMove}
          onPointerMove={onPointerMove}
          // A finger that is lifted leaves, and has still to be told something.
          onPointerLeave={(event) => event.pointerType !== 'touch' && setTold('')}
        />
      </div>
      <details class="table-behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          Table<span class="hidden"> of {shown(title)}</span>
        </summary>
        {isOpen && <HeatTable metric={metric} group={group} title={title} />}
      </details>
    </figure>
  );
}

function tellAt(metric: string, group: string, x: number, width: number): string {
  const { fromMs, toMs } = chartWindow.stretch;
  const share = (x - GUTTER) / Math.max(1, width - GUTTER - PADDING_RIGHT);
  const heat = history.heat(metric, group);
  const index = history.indexAt(fromMs + share * (toMs - fromMs));
  if (heat === null || share < 0 || share > 1 || index < 0) return '';
  const counts = heat.counts.subarray(index * heat.bands, (index + 1) * heat.bands);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const top = counts.reduce((best, count, band) => (count > (counts[best] ?? 0) ? band : best), 0);
  return `${formatClock(history.times[index])} · ${formatCount(total)} samples, most ${bandLabel(heat.boundsMs, top, formatMs)}`;
}

function HeatTable({ metric, group, title }: { metric: string; group: string; title: string }) {
  const heat = history.heat(metric, group);
  const { fromMs, toMs } = chartWindow.stretch;
  if (heat === null) return <p class="dim">nothing recorded</p>;
  const sums = new Array<number>(heat.bands).fill(0);
  for (let index = Math.max(0, history.indexAt(fromMs)); index <= history.indexAt(toMs); index++)
    for (let band = 0; band < heat.bands; band++) sums[band] = (sums[band] as number) + (heat.counts[index * heat.bands + band] as number);
  const rows = sums.map((sum, band) => ({ sum, label: bandLabel(heat.boundsMs, band, formatMs) })).filter(({ sum }) => sum > 0);
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">{shown(title)}</caption>
        <thead>
          <tr>
            <th scope="col">Latency</th>
            <th scope="col" class="number">
              Samples
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ sum, label }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td class="number">{formatCount(sum)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
