/** What the visitor chose, kept in this browser and shared by its tabs. */
import { createStore } from 'zustand/vanilla';
import { persist } from 'zustand/middleware';

const STORAGE_KEY = 'crs.preferences';

/**
 * @typedef {'system' | 'light' | 'dark'} Theme
 * @typedef {object} Preferences
 * @property {Theme} theme
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

/** Keep `<html data-theme>` as chosen; the stylesheet follows the system when it is absent. */
export function applyTheme() {
  const { theme } = preferences.getState();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
