import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatMs,
  formatNumber,
  formatPercent,
  formatRate,
} from '../../node/core/units.ts';

describe('numbers for people', () => {
  it.each([
    [formatCount, 1_234_567, '1,234,567'],
    [formatCount, -1234, '-1,234'],
    [formatNumber, 0.1234, '0.123'],
    [formatNumber, 12, '12'],
    [formatNumber, 12.34, '12.3'],
    [formatNumber, 1234.5, '1,235'],
    [formatRate, 0.004, '0'],
    [formatRate, 0.5, '0.5'],
    [formatRate, 9.96, '10'],
    [formatRate, 1234.4, '1,234'],
    [formatMs, 0, '0 ms'],
    [formatMs, 0.25, '0.250 ms'],
    [formatMs, 9.997, '10.0 ms'],
    [formatMs, 30, '30.0 ms'],
    [formatMs, 99.96, '100 ms'],
    [formatMs, 999.4, '999 ms'],
    [formatMs, 999.6, '1.00 s'],
    [formatMs, 12_345, '12.3 s'],
    [formatMs, 59_996, '1 m 00 s'],
    [formatMs, 3_600_000, '1 h 00 m'],
    [formatDuration, 59_400, '59 s'],
    [formatDuration, 125_000, '2 m 05 s'],
    [formatClock, 59_999, '00:59'],
    [formatClock, 3_723_000, '1:02:03'],
    [formatPercent, 0, '0 %'],
    [formatPercent, 1, '100 %'],
    [formatPercent, 0.99999, '>99.99 %'],
    [formatPercent, 0.00001, '<0.01 %'],
    [formatPercent, 0.125, '12.5 %'],
    [formatPercent, 0.9961, '99.61 %'],
    [formatBytes, 999, '999 B'],
    [formatBytes, 1830, '1.83 kB'],
    [formatBytes, 10_226_040, '10.2 MB'],
  ] as const)('%o of %d is %s', (format, value, text) => {
    expect(format(value)).toBe(text);
  });
});
