import { vi } from 'vitest';

/**
 * Repeat until it holds.
 * @param {() => void} assertion
 */
export const eventually = (assertion) => vi.waitFor(assertion, { timeout: 30_000, interval: 5 });
