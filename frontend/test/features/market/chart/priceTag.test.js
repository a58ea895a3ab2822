import { expect, it, vi } from 'vitest';
import { PriceTag } from '@/features/market/chart/priceTag.js';

const PALETTE = /** @type {any} */ ({ accent: 'blue', muted: 'grey' });

function tagged() {
  const line = { applyOptions: vi.fn() };
  const candles = { createPriceLine: vi.fn(() => line), removePriceLine: vi.fn() };
  const tag = new PriceTag(/** @type {any} */ (candles));
  tag.setPalette(PALETTE);
  return { tag, line, candles };
}

it('tags the live price, which alone moves it', () => {
  const { tag, line, candles } = tagged();
  expect(candles.createPriceLine).not.toHaveBeenCalled();
  tag.set(10, false);
  expect(candles.createPriceLine.mock.lastCall).toMatchObject([
    { price: 10, color: 'blue', title: '' },
  ]);
  tag.set(11, false);
  expect(candles.createPriceLine).toHaveBeenCalledOnce();
  expect(line.applyOptions.mock.lastCall).toMatchObject([{ price: 11, color: 'blue' }]);
});

it('is quiet and says so when the price may be another by now', () => {
  const { tag, line } = tagged();
  tag.set(10, false);
  tag.set(10, true);
  expect(line.applyOptions.mock.lastCall).toEqual([{ price: 10, color: 'grey', title: 'stale' }]);
});

it('tags nothing where no price is known', () => {
  const { tag, line, candles } = tagged();
  tag.set(10, false);
  tag.set(null, false);
  expect(candles.removePriceLine).toHaveBeenCalledWith(line);
  tag.set(12, false);
  expect(candles.createPriceLine).toHaveBeenCalledTimes(2);
});
