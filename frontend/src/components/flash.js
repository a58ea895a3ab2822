/**
 * Marks an element for a moment, in steps and with one timer for all of them. A CSS animation for
 * each would give every price a compositor layer of its own, made and dropped again with each
 * change: with a hundred symbols that alone kept the main thread busy for a tenth of the time.
 */

/** A price that moves ten times a second would otherwise never stop flashing. */
const EVERY_MS = 1000;
const SOFT_AFTER_MS = 200;
const OVER_AFTER_MS = 500;
/** As often as prices are shown, so that a step is painted with them. */
const STEP_MS = 100;

/** @type {Map<HTMLElement, number>} When each was marked. */
const marked = new Map();
/** @type {WeakMap<HTMLElement, number>} */
const lastMarked = new WeakMap();
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

function step() {
  const now = performance.now();
  for (const [element, since] of marked) {
    if (now - since >= OVER_AFTER_MS) {
      delete element.dataset.flash;
      marked.delete(element);
    } else if (now - since >= SOFT_AFTER_MS) {
      element.dataset.flash = 'soft';
    }
  }
  if (marked.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
}

/**
 * @param {HTMLElement} element Styled by `data-move` and `data-flash`.
 * @param {'up' | 'down'} move
 */
export function flash(element, move) {
  const now = performance.now();
  if (now - (lastMarked.get(element) ?? -Infinity) < EVERY_MS) return;
  lastMarked.set(element, now);
  marked.set(element, now);
  element.dataset.move = move;
  element.dataset.flash = 'strong';
  timer ??= setInterval(step, STEP_MS);
}
