// Where a run takes place: N nodes of this computer, machines that are named vendor by vendor, or the cheapest of some places. What it costs and why it would be refused is in the plan beside it.

import { useEffect, useState } from 'preact/hooks';
import type { CloudRow } from '../../protocol.ts';
import { NODES_MAX, PLACEMENTS_MAX } from '../../protocol.ts';
import { api } from './api.ts';
import { Trouble } from './parts.tsx';
import { type Machines, newPlacement, type Placement, type Where } from './placements.ts';
import { shown } from './text.ts';

const choices: ReadonlyArray<readonly [Where, string]> = [
  ['here', 'This computer'],
  ['on', 'Clouds'],
  ['mix', 'Cheapest mix'],
];

interface MachinesInit {
  readonly machines: Machines;
  readonly nodes: number;
  /** Told what changes, not what all of it is: two changes may come before the next look. */
  readonly onMachines: (change: (now: Machines) => Machines) => void;
  readonly onNodes: (nodes: number) => void;
}

/** Asked when somebody first wants other machines: it loads every vendor's library. */
function useClouds(isWanted: boolean): { clouds: readonly CloudRow[]; error: unknown } {
  const [found, setFound] = useState<{ clouds: readonly CloudRow[]; error: unknown }>({ clouds: [], error: null });
  useEffect(() => {
    if (!isWanted || found.clouds.length > 0) return;
    api.clouds().then(
      (clouds) => setFound({ clouds, error: null }),
      (error: unknown) => setFound({ clouds: [], error }),
    );
  }, [isWanted]);
  return found;
}

/** Something that can be ordered there, to be changed. */
function firstAt(cloud: CloudRow | undefined): Placement {
  const { region, machineTypes } = cloud?.regions[0] ?? { region: 'here', machineTypes: ['c1'] };
  const isKnown = cloud === undefined || cloud.name === 'local' || cloud.regions.length > 0;
  return { ...newPlacement(cloud?.name ?? 'local'), ...(isKnown ? { region, machineType: machineTypes[0] ?? '' } : {}) };
}

export function MachinesForm({ machines, nodes, onMachines, onNodes }: MachinesInit) {
  const { where } = machines;
  const { clouds, error } = useClouds(where !== 'here');
  const list = where === 'mix' ? 'mix' : 'on';
  const rows = machines[list];
  const setRows = (change: (now: readonly Placement[]) => readonly Placement[]): void =>
    onMachines((now) => ({ ...now, [list]: change(now[list]) }));
  const priced = clouds.filter(({ regions }) => where === 'on' || regions.length > 0);
  useEffect(() => {
    if (where !== 'here' && rows.length === 0 && priced.length > 0) setRows((now) => (now.length > 0 ? now : [firstAt(priced[0])]));
  }, [where, priced.length]);
  return (
    <fieldset class="where">
      <legend>Where it runs</legend>
      <div class="segments">
        {choices.map(([id, name]) => (
          <button type="button" key={id} aria-pressed={where === id} onClick={() => onMachines((now) => ({ ...now, where: id }))}>
            {name}
          </button>
        ))}
      </div>
      {where === 'here' && <Nodes nodes={nodes} onNodes={onNodes} />}
      {error !== null && <Trouble error={error} />}
      {where !== 'here' && (
        <>
          {rows.map((row, index) => (
            <Row
              // Rows have no name: their place is what they are
              key={index}
              row={row}
              clouds={priced}
              isMix={where === 'mix'}
              onChange={(changed) => setRows((now) => now.map((old, at) => (at === index ? changed : old)))}
              onRemove={rows.length > 1 ? () => setRows((now) => now.filter((_, at) => at !== index)) : null}
            />
          ))}
          <div class="buttons">
            <button
              type="button"
              disabled={rows.length >= PLACEMENTS_MAX || priced.length === 0}
              onClick={() => setRows((now) => [...now, firstAt(priced[0])])}
            >
              {where === 'mix' ? 'Another place' : 'More machines'}
            </button>
          </div>
          <LaunchFields machines={machines} onMachines={onMachines} />
        </>
      )}
    </fieldset>
  );
}

function Nodes({ nodes, onNodes }: Pick<MachinesInit, 'nodes' | 'onNodes'>) {
  return (
    <label class="short">
      <span>Nodes</span>
      <input
        type="number"
        min={1}
        max={NODES_MAX}
        value={nodes}
        onInput={(event) => {
          const count = event.currentTarget.valueAsNumber;
          if (Number.isInteger(count) && count >= 1 && count <= NODES_MAX) onNodes(count);
        }}
      />
    </label>
  );
}

interface RowInit {
  readonly row: Placement;
  readonly clouds: readonly CloudRow[];
  readonly isMix: boolean;
  readonly onChange: (row: Placement) => void;
  readonly onRemove: (() => void) | null;
}

function Row({ row, clouds, isMix, onChange, onRemove }: RowInit) {
  const cloud = clouds.find(({ name }) => name === row.cloud);
  const [place = ''] = row.region.split('/');
  const types = cloud?.regions.find(({ region }) => region === place)?.machineTypes ?? (row.cloud === 'local' ? ['c1', 'c2', 'c4'] : []);
  const regions = cloud?.regions.map(({ region }) => region) ?? [];
  const text = (name: string, value: string, known: readonly string[], change: (value: string) => Placement) => (
    <Field name={name} value={value} known={known} onInput={(next) => onChange(change(next))} />
  );
  return (
    <div class={`placement ${isMix ? 'mix' : ''}`}>
      <label>
        <span>Cloud</span>
        <select
          value={row.cloud}
          onChange={(event) => onChange({ ...firstAt(clouds.find(({ name }) => name === event.currentTarget.value)), count: row.count })}
        >
          {cloud === undefined && <option value={row.cloud}>{shown(row.cloud)}</option>}
          {clouds.map(({ name, problem }) => (
            <option key={name} value={name}>
              {problem === null ? shown(name) : `${shown(name)} (not set up)`}
            </option>
          ))}
        </select>
      </label>
      {text('Region', row.region, regions, (region) => ({ ...row, region }))}
      {!isMix && text('Machine type', row.machineType, types, (machineType) => ({ ...row, machineType }))}
      {!isMix && (
        <label>
          <span>Machines</span>
          <input type="number" min={1} value={row.count} onInput={(event) => onChange({ ...row, count: event.currentTarget.value })} />
        </label>
      )}
      {!isMix && (
        <label>
          <span>Market</span>
          <select
            value={row.market}
            disabled={cloud?.hasSpot !== true && row.market === ''}
            onChange={(event) => onChange({ ...row, market: event.currentTarget.value as Placement['market'] })}
          >
            <option value="">on demand</option>
            <option value="spot">spot</option>
            <option value="spot+">spot, else on demand</option>
          </select>
        </label>
      )}
      <button
        type="button"
        class="remove"
        disabled={onRemove === null}
        aria-label={`Remove ${shown(row.cloud)} ${shown(row.region)}`}
        onClick={() => onRemove?.()}
      >
        ×
      </button>
    </div>
  );
}

/** A word with suggestions: what is not among them is taken too. */
function Field({
  name,
  value,
  known,
  onInput,
}: {
  name: string;
  value: string;
  known: readonly string[];
  onInput: (value: string) => void;
}) {
  const id = `known-${name}-${known.join('-')}`.replaceAll(/[^\w-]/g, '');
  return (
    <label>
      <span>{name}</span>
      <input
        type="text"
        value={value}
        list={id}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <datalist id={id}>
        {known.map((word) => (
          <option key={word} value={word} />
        ))}
      </datalist>
    </label>
  );
}

function LaunchFields({ machines, onMachines }: Pick<MachinesInit, 'machines' | 'onMachines'>) {
  const { where, on, mix, host, maxCostUsd, spotSharePercent } = machines;
  const isFar = (where === 'mix' ? mix : on).some(({ cloud }) => cloud !== 'local');
  return (
    <div class="values-form">
      {isFar && (
        <label>
          <span>This computer, as they reach it</span>
          <input
            type="text"
            value={host}
            placeholder="203.0.113.7"
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget: { value } }) => onMachines((now) => ({ ...now, host: value }))}
          />
        </label>
      )}
      <label>
        <span>Cost at most, USD</span>
        <input
          type="number"
          min={0}
          step="any"
          value={maxCostUsd}
          placeholder="no limit"
          onInput={({ currentTarget: { value } }) => onMachines((now) => ({ ...now, maxCostUsd: value }))}
        />
      </label>
      {where === 'mix' && (
        <label>
          <span>Spot at most, % of the cores</span>
          <input
            type="number"
            min={0}
            max={100}
            value={spotSharePercent}
            onInput={({ currentTarget: { value } }) => onMachines((now) => ({ ...now, spotSharePercent: value }))}
          />
        </label>
      )}
    </div>
  );
}
