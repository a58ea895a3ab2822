import { useEffect } from 'react';

const SITE = 'CRS';
const WELCOME = 'CRS · Live crypto market';

/**
 * @param {string | null} text Null for the page that says what this is.
 * @returns {string} What stands on the tab.
 */
export const titleOf = (text) => (text === null ? WELCOME : `${text} · ${SITE}`);

/** @param {string | null} text */
export function useTitle(text) {
  useEffect(() => {
    document.title = titleOf(text);
  }, [text]);
}
