import { afterEach } from 'vitest';

if (typeof window !== 'undefined') {
  const { cleanup, configure } = await import('@testing-library/react');
  afterEach(cleanup);
  // A loaded machine needs longer than the default second to show something.
  configure({ asyncUtilTimeout: 30_000 });

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
