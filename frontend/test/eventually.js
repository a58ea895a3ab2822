import { vi } from 'vitest';

/**
 * Repeat until it holds.
 * @param {() => void} assertion
 */
export const eventually = (assertion) => vi.waitFor(assertion, { timeout: 5000, interval: 5 });
