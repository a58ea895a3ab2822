/** Desktop notifications of strong signals, for those who switched them on. */
import { humanise } from './format.js';
import { preferences } from './preferences.js';
import { signalKey } from './streamStore.js';

/** What is not stronger is no reason to disturb. */
const NOTIFY_OVER_STRENGTH = 0.8;
/** The server sends each symbol's current signal on subscribing; one this old is no news. */
const NEWS_MS = 60_000;

export const notificationsSupported = () => 'Notification' in window;

/**
 * @param {import('./types.js').TradingSignal} signal
 * @param {number} now
 */
export function isWorthNotifying(signal, now) {
  return signal.strength > NOTIFY_OVER_STRENGTH && now - Date.parse(signal.timestamp) < NEWS_MS;
}

/** Ask the browser, from a click; keeps the answer. */
export async function enableNotifications() {
  const permission = await Notification.requestPermission();
  preferences.setState({ notifications: permission === 'granted' });
  return permission;
}

/** @param {import('./types.js').TradingSignal} signal */
export function notifyOfSignal(signal) {
  if (!preferences.getState().notifications || !notificationsSupported()) return;
  if (Notification.permission !== 'granted' || !isWorthNotifying(signal, Date.now())) return;
  // Tabs show the same signal once: a tag replaces, it does not repeat.
  new Notification(`${humanise(signal.signal)} ${signal.symbol}`, {
    body: signal.reason,
    tag: signalKey(signal),
  });
}
