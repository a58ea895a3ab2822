/** Where signing in leads back to. */

const ACCOUNT_PAGES = ['/sign-in', '/sign-up'];

/**
 * @param {string} page `/sign-in` or `/sign-up`.
 * @param {string} path Of the page to come back to.
 * @param {string} search Of the same.
 * @returns {string}
 */
export function accountHref(page, path, search) {
  const next = ACCOUNT_PAGES.includes(path) ? nextOf(search) : withSearch(path, search);
  return next === '/' ? page : `${page}?next=${encodeURIComponent(next)}`;
}

/**
 * @param {string} search Of an account page's address.
 * @returns {string} A path of this page alone, whatever the address says.
 */
export function nextOf(search) {
  const next = new URLSearchParams(search).get('next') ?? '/';
  const here = 'http://here';
  const url = URL.canParse(next, here) ? new URL(next, here) : null;
  if (url?.origin !== here || ACCOUNT_PAGES.includes(url.pathname)) return '/';
  return withSearch(url.pathname, url.search);
}

/**
 * @param {string} path
 * @param {string} search With its question mark, or without.
 */
const withSearch = (path, search) => (search ? `${path}?${search.replace(/^\?/, '')}` : path);
