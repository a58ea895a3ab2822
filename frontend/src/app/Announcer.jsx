import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { useConnection, useStream } from '@/hooks/useWebSocket.js';
import { describeChange } from '@/lib/feedState.js';
import { humanise } from '@/lib/format.js';
import { marketInfo } from '@/lib/marketInfo.js';
import { isWorthNotifying } from '@/lib/notifications.js';

/** A screen reader that is told of every signal can't be used for anything else. */
const ANNOUNCE_EVERY_MS = 20_000;

/**
 * Tells screen readers what others see: the connection lost and back, another source of the prices,
 * and now and then a strong signal.
 * @param {{ streaming: boolean }} props
 */
export function Announcer({ streaming }) {
  const live = useConnection((state) => state.phase === 'connected');
  const [wasLive, setWasLive] = useState(false);
  if (live && !wasLive) setWasLive(true);
  const change = useStore(marketInfo, (state) => state.sourceChange);
  const connection = !streaming || !wasLive ? '' : live ? 'Live' : 'Offline, trying to reconnect';
  return (
    <div className="visually-hidden">
      <p role="status">{connection}</p>
      <p aria-live="polite">
        {change && `Prices are from another source: ${describeChange(change)}`}
      </p>
      <p aria-live="polite">{useAnnouncedSignal()}</p>
    </div>
  );
}

function useAnnouncedSignal() {
  const newest = useStream((state) => state.tradingSignals[0]);
  const [announced, setAnnounced] = useState({ text: '', at: 0 });
  useEffect(() => {
    const now = Date.now();
    if (!newest || !isWorthNotifying(newest, now)) return;
    const text = `${humanise(newest.signal)} ${newest.symbol}: ${newest.reason}`;
    setAnnounced((last) => (now - last.at < ANNOUNCE_EVERY_MS ? last : { text, at: now }));
  }, [newest]);
  return announced.text;
}
