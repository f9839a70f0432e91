// Who owns which shard: a grid of cells, one for each shard, coloured by owner; what nobody owns is red, and what moved in the last minute has a frame and a dot. Under the pointer, or
// with arrows, the shard, its group and its owner are told, and where it came from.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveState } from '../../protocol.ts';
import { Card } from './parts.tsx';
import { keepDrawn } from './picture.ts';
import { formatCount, formatMs, shown } from './text.ts';
import { tone } from './theme.ts';

const HEIGHT_MAX = 220;
/** Neighbours in the list of nodes get hues far apart. */
const GOLDEN_ANGLE = 137.508;

interface Grid {
  readonly perRow: number;
  readonly cell: number;
}

/** The largest cells with which all fit. */
function gridOf(count: number, width: number): Grid {
  for (let cell = 18; cell > 3; cell--) {
    const perRow = Math.max(1, Math.floor(width / cell));
    if (Math.ceil(count / perRow) * cell <= HEIGHT_MAX) return { perRow, cell };
  }
  return { perRow: Math.max(1, Math.floor(width / 3)), cell: 3 };
}

/** Who left when the run was over had its shards to the end. */
function isOwned({ nodes, board }: LiveState, owner: number): boolean {
  const state = nodes[owner]?.state;
  return state === 'live' || state === 'candidate' || (state === 'left' && board.phase === 'sealed');
}

function paint(canvas: HTMLCanvasElement, live: LiveState, width: number, chosen: number | null): void {
  const { shards } = live;
  const { perRow, cell } = gridOf(shards.owners.length, width);
  const height = Math.max(cell, Math.ceil(shards.owners.length / perRow) * cell);
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(ratio, ratio);
  const gap = cell > 6 ? 2 : 1;
  const moved = new Set(shards.moved.map(({ shard }) => shard));
  const [light, strong] = [tone('shard-light'), tone('shard-strong')];
  shards.owners.forEach((owner, shard) => {
    context.fillStyle = isOwned(live, owner) ? `hsl(${((owner * GOLDEN_ANGLE) % 360).toFixed(1)} ${strong} ${light})` : tone('bad');
    const [x, y] = [(shard % perRow) * cell, Math.floor(shard / perRow) * cell];
    context.fillRect(x, y, cell - gap, cell - gap);
    if (moved.has(shard)) paintMoved(context, x, y, cell - gap);
    if (shard !== chosen) return;
    context.lineWidth = 2;
    context.strokeStyle = tone('text');
    context.strokeRect(x, y, cell - gap, cell - gap);
  });
}

/** The colour of moves over the charts, on a ground that it can be seen on whoever the owner is. */
function paintMoved(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  const border = Math.max(1, Math.round(size / 6));
  context.fillStyle = tone('text');
  context.fillRect(x, y, size, size);
  context.fillStyle = tone('mark-move');
  context.fillRect(x + border, y + border, size - 2 * border, size - 2 * border);
}

function tell({ shards, nodes, board }: LiveState, shard: number): string {
  const owner = shards.owners[shard] ?? -1;
  const groupIndex = shards.groups[shard] ?? -1;
  const group = groupIndex < 0 ? 'meetings' : (board.groups[groupIndex]?.group ?? '?');
  const name = owner < 0 ? 'nobody' : (nodes[owner]?.name ?? '?');
  const move = shards.moved.find((one) => one.shard === shard);
  const came = move === undefined ? '' : ` · came from ${shown(nodes[move.from]?.name ?? '?')} ${formatMs(move.agoMs)} ago`;
  return `shard ${shard} · ${shown(group)} · ${shown(name)} · epoch ${shards.epochs[shard] ?? 0}${came}`;
}

export function ShardMapCard({ live }: { live: LiveState }) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const kept = useRef<ReturnType<typeof keepDrawn> | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const current = useRef({ live, chosen });
  current.current = { live, chosen };
  useEffect(() => {
    const [at, on] = [place.current, canvas.current];
    if (at === null || on === null) return;
    kept.current = keepDrawn(at, { draw: (width) => paint(on, current.current.live, width, current.current.chosen) });
    return () => kept.current?.stop();
  }, []);
  kept.current?.ask();
  const count = live.shards.owners.length;
  const unowned = live.shards.owners.filter((owner) => !isOwned(live, owner)).length;
  const movedCount = live.shards.moved.length;
  const again = live.shards.epochs.filter((epoch) => epoch > 1).length;
  const perRow = (): number => gridOf(count, place.current?.clientWidth ?? 1).perRow;
  const onPointerMove = (event: PointerEvent): void => {
    const { perRow: across, cell } = gridOf(count, place.current?.clientWidth ?? 1);
    const shard = Math.floor(event.offsetY / cell) * across + Math.floor(event.offsetX / cell);
    setChosen(shard < count ? shard : null);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow(), ArrowDown: perRow() };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(count - 1, (chosen ?? -1) + by)));
  };
  return (
    <Card title={`Shards (${count})`} id="shards">
      <div
        class="shards"
        ref={place}
        tabIndex={0}
        role="group"
        aria-label="Shards by owner; arrows go from shard to shard"
        onKeyDown={onKeyDown}
        onBlur={() => setChosen(null)}
      >
        <canvas
          ref={canvas}
          onPointerDown={onPointerMove}
          onPointerMove={onPointerMove}
          // A finger that is lifted leaves, and has still to be told something.
          onPointerLeave={(event) => event.pointerType !== 'touch' && setChosen(null)}
        />
      </div>
      <p class="told" aria-live="polite">
        {chosen === null || chosen >= count ? (
          <span class="dim">
            {unowned === 0
              ? 'each colour is an owner; all are owned'
              : `red: ${formatCount(unowned)} whose owner is gone or that have none`}
            {movedCount > 0 && `; framed: ${formatCount(movedCount)} that moved in the last minute`}
            {again > 0 && `; ${formatCount(again)} in a later epoch than their first`}
          </span>
        ) : (
          tell(live, chosen)
        )}
      </p>
    </Card>
  );
}
