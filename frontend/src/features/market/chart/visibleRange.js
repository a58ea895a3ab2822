/**
 * The range of bars in view. The chart takes a new one over with its next frame; until then this
 * answers what was asked for, so that one step after another adds up.
 */

/** @typedef {import('./place.js').Range} Range */

export class VisibleRange {
  /** @param {import('lightweight-charts').ITimeScaleApi<any>} timeScale */
  constructor(timeScale) {
    this._timeScale = timeScale;
    /** @type {Range | null} */
    this._asked = null;
    timeScale.subscribeVisibleLogicalRangeChange(() => (this._asked = null));
  }

  /** @returns {Range | null} Null while there are no bars. */
  get() {
    return this._asked ?? this._timeScale.getVisibleLogicalRange();
  }

  /** @param {Range} range */
  set(range) {
    this._asked = range;
    this._timeScale.setVisibleLogicalRange(range);
  }

  /**
   * Hear of it whenever it has changed.
   * @param {(range: Range | null) => void} callback
   */
  onChange(callback) {
    this._timeScale.subscribeVisibleLogicalRangeChange(callback);
  }
}
