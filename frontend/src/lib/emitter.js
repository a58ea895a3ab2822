/**
 * Named events with any number of listeners. A listener that throws is reported and does not keep
 * the others from being called.
 */
export class Emitter {
  constructor() {
    /** @type {Map<string, Set<Function>>} */
    this._listeners = new Map();
  }

  /**
   * @param {string} event
   * @param {Function} callback
   * @returns {() => void} Removes the listener again.
   */
  on(event, callback) {
    const listeners = this._listeners.get(event) ?? new Set();
    this._listeners.set(event, listeners.add(callback));
    return () => this.off(event, callback);
  }

  /**
   * @param {string} event
   * @param {Function} callback
   */
  off(event, callback) {
    const listeners = this._listeners.get(event);
    listeners?.delete(callback);
    if (listeners?.size === 0) this._listeners.delete(event);
  }

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  emit(event, ...args) {
    const listeners = this._listeners.get(event);
    if (!listeners) return;
    // A copy: a listener may remove itself, or another.
    for (const callback of [...listeners]) {
      try {
        callback(...args);
      } catch (error) {
        console.error(`A listener of "${event}" failed`, error);
      }
    }
  }

  /** @returns {number} */
  get size() {
    let size = 0;
    for (const listeners of this._listeners.values()) size += listeners.size;
    return size;
  }

  clear() {
    this._listeners.clear();
  }
}
