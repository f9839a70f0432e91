// Numbers as people read them: three significant figures where more would be noise, a unit always, thin columns. Pure text; shared by the verdict's
// sentences and by everything that draws a board or a summary.

import type { MetricUnit } from './stats-types.ts';

/** 1234567 -> '1,234,567'. */
export function formatCount(value: number): string {
  const rounded = Math.round(value);
  return rounded.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** Three significant figures without an exponent: 0.123, 1.23, 12.3, 123, 1,234. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return formatCount(value);
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** A rate a second: whole from ten on, one decimal below, two below one. */
export function formatRate(perS: number): string {
  const digits = perS >= 9.95 ? 0 : perS >= 0.995 ? 1 : 2;
  return digits === 0 ? formatCount(perS) : perS.toFixed(digits).replace(/\.?0+$/, '');
}

/** Milliseconds in the unit that suits them: 0.25 ms, 12.3 ms, 1.23 s, 2 m 05 s. */
export function formatMs(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  // Always three figures, also of 30.0: in a column the points then stand below one another.
  if (size < 999.5) return `${ms.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3)} ms`;
  if (size < 59_995) return `${(ms / 1000).toFixed(size < 9_995 ? 2 : 1)} s`;
  return formatDuration(ms);
}

/** Clock-like length: 32 s, 2 m 05 s, 1 h 02 m. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const pad = (value: number): string => value.toString().padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} m`;
}

/** 00:32, 12:05, 1:02:03: the same width for as long as possible, for lines that are redrawn. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (value: number): string => value.toString().padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${pad(minutes)}:${pad(seconds % 60)}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}

/** A share (0 to 1) as per cent. Never rounded to 0 or 100 when it is neither: 99.99 % is not all. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent > 0 && percent < 0.01) return '<0.01 %';
  if (percent < 100 && percent > 99.99) return '>99.99 %';
  const digits = percent < 1 || percent > 99 ? 2 : 1;
  return `${percent.toFixed(digits)} %`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? formatCount(value) : formatNumber(value)} ${units[unit]}`;
}

/** Dollars to the cent; below ten cents to the hundredth of one, so that a small run is not free. */
export const formatUsd = (usd: number): string => `${usd.toFixed(usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2)} USD`;

/** A value of a metric with its unit. `percent` is a share from 0 to 1. */
export function formatValue(value: number, unit: MetricUnit): string {
  switch (unit) {
    case 'ms':
      return formatMs(value);
    case 'bytes':
      return formatBytes(value);
    case 'percent':
      return formatPercent(value);
    case 'bps':
      return `${formatBytes(value).replace('B', 'bit')}/s`;
    case 'mos':
      return value.toFixed(2);
    case 'usd':
      return formatUsd(value);
    case 'count':
      return formatNumber(value);
  }
}
