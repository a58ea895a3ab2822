/** What the visitor chose, kept in this browser and shared by its tabs. */
import { createStore } from 'zustand/vanilla';
import { persist } from 'zustand/middleware';

const STORAGE_KEY = 'crs.preferences';

/**
 * @typedef {'system' | 'light' | 'dark'} Theme
 * @typedef {'green-red' | 'blue-orange'} Colours
 * @typedef {object} Preferences
 * @property {Theme} theme
 * @property {Colours} colours Of rising and falling.
 * @property {boolean} utc Whether times are shown in UTC and not in the browser's zone.
 * @property {string[]} watchlist
 * @property {boolean} onlyWatchlist
 * @property {boolean} notifications
 * @property {{ averages: boolean, bollinger: boolean, signals: boolean }} overlays
 */

export const preferences = createStore(
  persist(
    /** @returns {Preferences} */
    () => ({
      theme: 'system',
      colours: 'green-red',
      utc: false,
      watchlist: [],
      onlyWatchlist: false,
      notifications: false,
      overlays: { averages: true, bollinger: true, signals: true },
    }),
    { name: STORAGE_KEY, version: 1 },
  ),
);

window.addEventListener('storage', ({ key }) => {
  if (key === STORAGE_KEY) void preferences.persist.rehydrate();
});

/** @param {string} symbol */
export function toggleWatched(symbol) {
  preferences.setState(({ watchlist }) => ({
    watchlist: watchlist.includes(symbol)
      ? watchlist.filter((each) => each !== symbol)
      : [...watchlist, symbol],
  }));
}

/** Keep `<html data-theme data-colours>` as chosen; without a theme the page follows the system. */
export function applyTheme() {
  const { theme, colours } = preferences.getState();
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset.theme;
  else dataset.theme = theme;
  dataset.colours = colours;
}
