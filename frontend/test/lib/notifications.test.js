// @vitest-environment jsdom
import { expect, it } from 'vitest';
import { isWorthNotifying } from '@/lib/notifications.js';

const NOW = Date.parse('2026-11-23T10:00:00.000Z');

/** @param {Partial<import('@/lib/types.js').TradingSignal>} fields */
const worth = (fields) =>
  isWorthNotifying(
    {
      symbol: 'BTC',
      signal: 'BUY',
      strength: 0.9,
      reason: '',
      timestamp: '2026-11-23T09:59:30.000Z',
      ...fields,
    },
    NOW,
  );

it('is worth a notification when stronger than 0.8, whatever it says to do', () => {
  expect(worth({ signal: 'BUY', strength: 0.81 })).toBe(true);
  expect(worth({ signal: 'HOLD', strength: 0.81 })).toBe(true);
  expect(worth({ signal: 'STRONG_BUY', strength: 0.8 })).toBe(false);
});

it('is worth none when it is no news', () => {
  expect(worth({ timestamp: '2026-11-23T09:58:30.000Z' })).toBe(false);
});
