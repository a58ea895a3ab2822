import { expect, it, vi } from 'vitest';
import { sparklines, wantSparkline } from '@/features/market/sparklines.js';
import { getCandles } from '@/lib/api.js';

vi.mock('@/lib/api.js', () => ({ getCandles: vi.fn() }));

it('asks for a symbol’s day once, and again when its prices are another source’s', async () => {
  const day = (/** @type {number} */ close) => /** @type {any} */ ({ candles: [{ close }] });
  vi.mocked(getCandles).mockResolvedValueOnce(day(1)).mockResolvedValueOnce(day(2));
  // Before its first price nobody knows whose it will be.
  wantSparkline('BTC', undefined);
  wantSparkline('BTC', 'binance');
  wantSparkline('BTC', 'binance');
  await vi.waitFor(() => expect(sparklines.getState().BTC).toEqual([1]));
  expect(getCandles).toHaveBeenCalledOnce();
  wantSparkline('BTC', 'kraken');
  await vi.waitFor(() => expect(sparklines.getState().BTC).toEqual([2]));
});
