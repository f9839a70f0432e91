// A chart of columns over the run, by uPlot: few, thinned points whatever the length of the run, one cross-hair over all charts, values of the moment beside the names, marks of events
// over it, and a table of the same figures for who does not see pictures. Each column comes from the history when it is drawn; nothing is kept here.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { ChartInit, Line } from './chart-init.ts';
import { chartKey, listenToPointer } from './chart-input.ts';
import { type Box, paintMarks } from './mark-paint.ts';
import { kindNames, marksAt } from './marks.ts';
import { chartWindow, currentMarks, history } from './model.ts';
import { keepDrawn } from './picture.ts';
import { cut, formatClock, shown } from './text.ts';
import { tone } from './theme.ts';
import { thin } from './thin.ts';

const HEIGHT = 168;
/** A pointer this close to a moment means it. */
const NEAR_PX = 4;
const MARKS_TOLD = 3;
export const GUTTER = 58;
export const PADDING_RIGHT = 24;
const TIME_STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800].map((seconds) => seconds * 1000);

function axes(format: ChartInit['format']): uPlot.Axis[] {
  const common: uPlot.Axis = {
    stroke: () => tone('dim'),
    grid: { stroke: () => tone('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return [
    { ...common, incrs: TIME_STEPS_MS, size: 26, space: 64, values: (_plot, splits) => splits.map((ms) => formatClock(ms)) },
    { ...common, size: GUTTER, space: 32, gap: 6, values: (_plot, splits) => splits.map((value) => (value === null ? '' : format(value))) },
  ];
}

function optionsOf({ lines, format, range, limit }: ChartInit, width: number, onCursor: (plot: uPlot) => void): uPlot.Options {
  const box = ({ bbox }: uPlot): Box => bbox;
  return {
    width,
    height: HEIGHT,
    padding: [10, PADDING_RIGHT, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'run', setSeries: false, scales: ['x', null] }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: {
      x: { time: false, range: () => [chartWindow.stretch.fromMs, chartWindow.stretch.toMs] },
      y: {
        range: (_plot, _low, high) => {
          if (range !== undefined) return [range[0], range[1]];
          const top = Math.max(high ?? 0, limit ?? 0);
          return [0, top > 0 ? top * 1.12 : 1];
        },
      },
    },
    axes: axes(format),
    series: [
      {},
      ...lines.map(
        ({ label, tone: name, isDashed, isFilled }): uPlot.Series => ({
          label,
          stroke: () => tone(name),
          // Wider lines cost three times as much to draw where there is no graphics card.
          width: 1,
          ...(isDashed ? { dash: [5, 4] } : {}),
          ...(isFilled ? { fill: () => `${tone(name)}1f` } : {}),
          points: { show: false },
        }),
      ),
    ],
    hooks: {
      draw: [
        (plot) => {
          const { fromMs, toMs } = chartWindow.stretch;
          paintMarks(plot.ctx, box(plot), fromMs, toMs, uPlot.pxRatio);
          if (limit === undefined) return;
          plot.ctx.fillStyle = tone('bad');
          plot.ctx.fillRect(plot.bbox.left, plot.valToPos(limit, 'y', true), plot.bbox.width, uPlot.pxRatio);
        },
      ],
      setCursor: [onCursor],
    },
  };
}

/** Points of the stretch that is shown, ready for uPlot. */
function dataOf(lines: readonly Line[], points: number): uPlot.AlignedData {
  const { fromMs, toMs } = chartWindow.stretch;
  const from = Math.max(0, history.indexAt(fromMs));
  const { x, columns } = thin(
    history.times,
    lines.map(({ read }) => read()),
    from,
    history.indexAt(toMs) + 1,
    points,
  );
  return [x, ...columns];
}

/** The clock; on the chart under the pointer what was going on then, too. */
function momentText(plot: uPlot, atMs: number): string {
  if (!plot.over.matches(':hover')) return formatClock(atMs);
  const { fromMs, toMs } = chartWindow.stretch;
  const nearMs = ((toMs - fromMs) / Math.max(1, plot.over.clientWidth)) * NEAR_PX;
  const marks = marksAt(currentMarks(), atMs, nearMs);
  const told = marks.slice(0, MARKS_TOLD).map(({ kind, text }) => `${kindNames[kind]}: ${shown(cut(text, 80) ?? text)}`);
  if (marks.length > MARKS_TOLD) told.push(`${marks.length - MARKS_TOLD} more`);
  return [formatClock(atMs), ...told].join(' · ');
}

export function Chart(init: ChartInit) {
  const place = useRef<HTMLDivElement>(null);
  const values = useRef<HTMLDListElement>(null);
  const moment = useRef<HTMLElement>(null);
  const current = useRef(init);
  current.current = init;
  const shape = `${init.lines.map(({ label, tone: name }) => label + name).join('|')}|${init.limit}`;

  // The plot is made anew only when its lines are others; what they read is read through `current`
  useEffect(() => {
    const at = place.current;
    if (at === null) return;
    const showValues = (plot: uPlot): void => {
      if (chartWindow.isMoving) return;
      const index = plot.cursor.idx ?? plot.data[0].length - 1;
      if (moment.current !== null) moment.current.textContent = plot.cursor.idx == null ? '' : momentText(plot, plot.data[0][index] ?? 0);
      values.current?.querySelectorAll('dd').forEach((cell, line) => {
        let value: number | null | undefined = null;
        // The last moments may still be empty for some: then the newest that is known.
        for (let back = index; back >= Math.max(0, index - 6) && value == null; back--) value = plot.data[line + 1]?.[back];
        cell.textContent = value == null ? '–' : current.current.format(value);
      });
    };
    const plot = new uPlot(optionsOf(current.current, Math.max(200, at.clientWidth), showValues), [[], ...init.lines.map(() => [])], at);
    const stopPointer = listenToPointer(plot.over);
    let drawnWidth = at.clientWidth;
    const kept = keepDrawn(at, {
      draw(width) {
        if (width !== drawnWidth) plot.setSize({ width, height: HEIGHT });
        drawnWidth = width;
        plot.setData(dataOf(current.current.lines, chartWindow.isMoving ? width / 2 : width * 2));
        showValues(plot);
      },
      look: () => plot.redraw(false, true),
    });
    return () => {
      stopPointer();
      kept.stop();
      plot.destroy();
    };
  }, [shape]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.ctrlKey && !event.metaKey && chartKey(event.key)) event.preventDefault();
  };
  return (
    <figure class="chart card">
      <figcaption>
        <h3>
          {shown(init.title)} <small ref={moment} />
        </h3>
        <dl class="values" ref={values}>
          {init.lines.map(({ label, tone: name }) => (
            <div key={label}>
              <dt class={`key tone-${name}`}>{shown(label)}</dt>
              <dd>–</dd>
            </div>
          ))}
        </dl>
      </figcaption>
      <div
        class="plot"
        ref={place}
        tabIndex={0}
        role="group"
        aria-roledescription="chart"
        aria-label={`${shown(init.title)}; arrows move, plus and minus zoom, End follows`}
        onKeyDown={onKeyDown}
      />
      <ChartTable {...init} />
    </figure>
  );
}

const ROWS = 24;

/** The stretch that is shown as a table; made only when it is opened. */
function ChartTable({ title, lines, format }: ChartInit) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="table-behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Table<span class="hidden"> of {shown(title)}</span>
      </summary>
      {isOpen && <Rows title={title} lines={lines} format={format} />}
    </details>
  );
}

function Rows({ title, lines, format }: ChartInit) {
  const [first, ...columns] = dataOf(lines, ROWS);
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">{shown(title)}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map(({ label }) => (
              <th scope="col" key={label} class="number">
                {shown(label)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...first].map((ms, row) => (
            <tr key={ms}>
              <th scope="row">{formatClock(ms)}</th>
              {columns.map((column, at) => {
                const value = column[row];
                return (
                  <td class="number" key={lines[at]?.label}>
                    {value == null ? '–' : format(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
