/** One ticking second for the whole page, for ages and countdowns; still while the tab is hidden. */
import { Emitter } from './emitter.js';

const ticks = new Emitter();
let now = Date.now();
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

function tick() {
  if (document.hidden) return;
  now = Date.now();
  ticks.emit('tick');
}

/** @param {() => void} callback */
export function onSecond(callback) {
  const off = ticks.on('tick', callback);
  if (ticks.size === 1) {
    now = Date.now();
    timer = setInterval(tick, 1000);
  }
  return () => {
    off();
    if (ticks.size === 0) clearInterval(timer);
  };
}

/** @returns {number} Epoch in ms, of the last tick. */
export const currentSecond = () => now;
