// Machines of a launch as a form has them, field by field, and as the words that `--on` and `--mix` take. The server checks what the words mean; here they are only taken apart and put together. Pure.

import type { MachinesRequest } from '../../protocol.ts';

export interface Placement {
  readonly cloud: string;
  /** With its zones where somebody wants them: us-east-1/us-east-1a. */
  readonly region: string;
  /** One, or several by preference: c7i.large,c6i.large. */
  readonly machineType: string;
  readonly count: string;
  readonly market: '' | 'spot' | 'spot+';
}

/** Where a run takes place: here, on machines that are named, or on the cheapest of some places. */
export type Where = 'here' | 'on' | 'mix';

export interface Machines {
  readonly where: Where;
  readonly on: readonly Placement[];
  /** Places of a mix: only cloud and region count. */
  readonly mix: readonly Placement[];
  readonly spotSharePercent: string;
  readonly host: string;
  readonly maxCostUsd: string;
}

export const newPlacement = (cloud: string): Placement => ({ cloud, region: '', machineType: '', count: '1', market: '' });
export const nowhereElse: Machines = { where: 'here', on: [], mix: [], spotSharePercent: '0', host: '', maxCostUsd: '' };

export const onWord = ({ cloud, region, machineType, count, market }: Placement): string =>
  `${cloud}:${region.trim()}:${machineType.trim()}=${count.trim()}${market === '' ? '' : `@${market}`}`;

export function placementOf(word: string): Placement {
  const [, cloud = '', region = '', machineType = '', count = '', market = ''] =
    /^([^:]*):([^:]*)(?::([^=]*)=([^@]*)(?:@(.*))?)?$/.exec(word) ?? [];
  return { cloud, region, machineType, count, market: market === 'spot' || market === 'spot+' ? market : '' };
}

/** A row that is still being written is no row. */
const isNamed = ({ region, machineType }: Placement): boolean => region.trim() !== '' && machineType.trim() !== '';

const amount = (text: string): number | null => {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) || value <= 0 ? null : value;
};

/** Undefined: here. */
export function requestOf({ where, on, mix, spotSharePercent, host, maxCostUsd }: Machines): MachinesRequest | undefined {
  if (where === 'here') return undefined;
  const share = Math.round(Number(spotSharePercent));
  return {
    on: where === 'on' ? on.filter(isNamed).map(onWord) : [],
    mix: where === 'mix' ? mix.filter(({ region }) => region.trim() !== '').map(({ cloud, region }) => `${cloud}:${region.trim()}`) : [],
    spotSharePercent: where === 'mix' && share >= 0 && share <= 100 ? share : 0,
    host: host.trim() === '' ? null : host.trim(),
    maxCostUsd: amount(maxCostUsd),
  };
}

/** A request as the form shows it. */
export function machinesOf(request: MachinesRequest | undefined): Machines {
  if (request === undefined) return nowhereElse;
  const { on, mix, spotSharePercent, host, maxCostUsd } = request;
  return {
    where: mix.length > 0 ? 'mix' : 'on',
    on: on.map(placementOf),
    mix: mix.map(placementOf),
    ...{ spotSharePercent: String(spotSharePercent), host: host ?? '', maxCostUsd: maxCostUsd === null ? '' : String(maxCostUsd) },
  };
}
