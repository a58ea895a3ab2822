import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const CSS = readFileSync(new URL('../../src/styles/tokens.css', import.meta.url), 'utf8');
const BLOCKS = { 'green-red': ':root {', 'blue-orange': ":root[data-colours='blue-orange'] {" };
/** What text of a direction may stand on. */
const GROUNDS = ['surface', 'raised', 'page', 'accent-soft'];

/**
 * @param {keyof typeof BLOCKS} colours
 * @param {'light' | 'dark'} theme
 * @returns {(name: string) => string} The colour of a token.
 */
function tokensOf(colours, theme) {
  /** @param {string} selector */
  const block = (selector) => CSS.slice(CSS.indexOf(selector)).split('}')[0];
  return (name) => {
    const pattern = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`);
    const found = pattern.exec(block(BLOCKS[colours])) ?? pattern.exec(block(BLOCKS['green-red']));
    if (!found) throw new Error(`There is no token --${name}`);
    return theme === 'light' ? found[1] : found[2];
  };
}

/** @param {string} colour `#rrggbb`. */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * WCAG's contrast ratio.
 * @param {string} one
 * @param {string} other
 */
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(/** @type {const} */ (['green-red', 'blue-orange']))('%s', (colours) => {
  it.each(/** @type {const} */ (['light', 'dark']))(
    'tells rising from falling without a hue, and both can be read, in the %s theme',
    (theme) => {
      const token = tokensOf(colours, theme);
      expect(contrast(token('up'), token('down'))).toBeGreaterThanOrEqual(3);
      for (const direction of ['up', 'down']) {
        for (const ground of [...GROUNDS, `${direction}-soft`]) {
          const pair = [direction, ground, contrast(token(direction), token(ground))];
          expect(pair[2], String(pair)).toBeGreaterThanOrEqual(4.5);
        }
      }
    },
  );
});
