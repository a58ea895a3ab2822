// @vitest-environment jsdom
import { describe, expect, it, vi } from 'vitest';
import {
  decimalsFor,
  formatAge,
  formatChange,
  formatCompact,
  formatPrice,
  formatScore,
  formatSpan,
  humanise,
  speakPrice,
  UNKNOWN,
} from '@/lib/format.js';

describe('format', () => {
  it('shows a price with its own decimals', () => {
    expect(formatPrice(64000.5, 2)).toBe('64,000.50');
    expect(formatPrice(0.1009, 6)).toBe('0.100900');
    expect(formatPrice(0.0001009)).toBe('0.00010090');
  });

  it('counts the zeros of a tiny price, and says them to a voice', () => {
    expect(formatPrice(0.0000123456, 10)).toBe('0.0₄123456');
    expect(formatPrice(4.52e-11, 16)).toBe('0.0₁₀452000');
    expect(formatPrice(1e-11)).toBe('0.0₁₀10000');
    expect(speakPrice(4.52e-11, 16)).toBe('4.52E-11');
    expect(speakPrice(64000.5, 2)).toBe('64,000.50');
    // What its decimals make more or less of is shown as that.
    expect(formatPrice(0.000099999, 6)).toBe('0.000100');
    expect(formatPrice(1e-13, 6)).toBe('0.000000');
  });

  it('leaves out decimals that say nothing of a large price', () => {
    expect(formatPrice(1234567.891, 2)).toBe('1,234,567.89');
    expect(formatPrice(123456789.29, 2)).toBe('123,456,789');
    expect(formatPrice(1e10, 2)).toBe('10,000,000,000');
  });

  it('writes numbers as the visitor reads them', () => {
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['de-DE']);
    expect(formatPrice(64000.5, 2)).toBe('64.000,50');
    expect(formatPrice(4.52e-11, 16)).toBe('0,0₁₀452000');
  });

  it('does without a language that there is none of', () => {
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['C']);
    expect(formatPrice(64000.5, 1)).toMatch(/^64.000.5$/);
  });

  it('shows a dash for what is not known', () => {
    for (const format of [formatPrice, formatChange, formatCompact]) {
      expect(format(undefined)).toBe(UNKNOWN);
      expect(format(NaN)).toBe(UNKNOWN);
    }
  });

  it('guesses decimals that keep five digits', () => {
    const numbers = [64000, 2700, 5.1, 0.1, 0.000012, 0, -5.1];
    expect(numbers.map((number) => decimalsFor(number))).toEqual([2, 2, 4, 5, 9, 2, 4]);
  });

  it('gives changes a sign', () => {
    expect(formatChange(1.234)).toBe('+1.23 %');
    expect(formatChange(-1.234)).toBe('−1.23 %');
    expect(formatChange(0)).toBe('0.00 %');
  });

  it('gives scores a sign and two decimals', () => {
    expect([0.4567, -0.5, 0, 1, -0.001].map(formatScore)).toEqual([
      '+0.46',
      '−0.50',
      '0.00',
      '+1.00',
      '0.00',
    ]);
  });

  it('says how long ago', () => {
    expect([0, 7_000, 59_999, 60_000, 7_200_000, 200_000_000].map(formatAge)).toEqual([
      'now',
      '5 s',
      '55 s',
      '1 min',
      '2 h',
      '2 d',
    ]);
  });

  it('says what span of time figures stand for', () => {
    expect([undefined, 86_400, 4500, 20, 7200].map(formatSpan)).toEqual([
      '24 h',
      '24 h',
      '75 min',
      '1 min',
      '2 h',
    ]);
  });

  it('turns constants into words', () => {
    expect(humanise('STRONG_BUY')).toBe('Strong buy');
  });
});
