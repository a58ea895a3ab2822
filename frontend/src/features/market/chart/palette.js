/** The stylesheet's colours and sizes, resolved: a canvas knows no custom properties. */

const NAMES = /** @type {const} */ ([
  'surface',
  'muted',
  'line',
  'up',
  'down',
  'accent',
  'caution',
  'band',
]);

/** @typedef {Record<typeof NAMES[number], string>} Palette Each `rgb(r, g, b)`. */

/** @returns {Palette} As the theme in force has them. */
export function readPalette() {
  const probe = document.createElement('span');
  // The tokens are the system's own colours where it forces them.
  probe.style.setProperty('forced-color-adjust', 'none');
  document.body.append(probe);
  const palette = Object.fromEntries(
    NAMES.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return /** @type {Palette} */ (palette);
}

/** @returns {number} The smallest text in pixels, which grows with very wide screens. */
export function fontSize() {
  return Math.round(0.7 * parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/**
 * @param {string} colour `rgb(r, g, b)`.
 * @param {number} alpha
 */
export function faded(colour, alpha) {
  return colour.replace(/^rgb\((.+)\)$/, `rgba($1, ${alpha})`);
}
