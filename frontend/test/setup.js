import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(cleanup);
// A loaded machine needs longer than the default second to show something.
configure({ asyncUtilTimeout: 30_000 });

if (typeof window !== 'undefined') {
  // jsdom has neither; the page needs no more of them than this.
  window.matchMedia ??= (query) =>
    /** @type {any} */ ({
      matches: false,
      media: query,
      addEventListener: () => {},
      removeEventListener: () => {},
    });
  const locks = {
    request: (/** @type {string} */ _name, /** @type {() => unknown} */ task) => task(),
  };
  Object.defineProperty(navigator, 'locks', { value: locks, configurable: true });
}
