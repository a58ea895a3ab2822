import { describe, expect, it } from 'vitest';
import { createStreamStore } from '@/lib/streamStore.js';

/** A store whose frames come when the test says so. */
function withFrames() {
  /** @type {(() => void)[]} */
  const frames = [];
  const store = createStreamStore((callback) => frames.push(callback));
  let notified = 0;
  store.subscribe(() => (notified += 1));
  return {
    store,
    frame: () => frames.splice(0).forEach((callback) => callback()),
    notified: () => notified,
  };
}

const quote = (/** @type {object} */ fields) => ({
  symbol: 'BTC',
  price: 100,
  change_24h: 1,
  volume_24h: 5,
  timestamp: '2026-11-23T10:00:00.000Z',
  seq: 1,
  stale: false,
  ...fields,
});

const update = (/** @type {object} */ fields) => ({
  symbol: 'BTC',
  price: 101,
  previous_price: 100,
  change_24h: 2,
  timestamp: '2026-11-23T10:00:01.000Z',
  seq: 2,
  ...fields,
});

describe('streamStore', () => {
  it('changes once a frame, however much arrives', () => {
    const { store, frame, notified } = withFrames();
    store.ingest('market_update', { BTC: quote({}) });
    for (let seq = 2; seq < 50; seq += 1) {
      store.ingest('price_update', update({ seq, price: 100 + seq }));
    }
    expect(notified()).toBe(0);
    frame();
    expect(notified()).toBe(1);
    expect(store.getState().quotes.BTC).toMatchObject({ price: 149, seq: 49, volume_24h: 5 });
  });

  it('keeps marketData exactly as market_update brought it', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({}) });
    store.ingest('price_update', update({}));
    frame();
    expect(store.getState().marketData.BTC).toEqual(quote({}));
    expect(store.getState().quotes.BTC).toEqual(
      quote({ price: 101, change_24h: 2, timestamp: update({}).timestamp, seq: 2 }),
    );
  });

  it('does not go back to an older price', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({}) });
    store.ingest('price_update', update({ seq: 9, price: 109 }));
    frame();
    store.ingest('market_update', { BTC: quote({ seq: 8, price: 108 }) });
    frame();
    expect(store.getState().quotes.BTC.price).toBe(109);
  });

  it('follows a server that started again and counts from one', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({ seq: 500 }) });
    frame();
    const later = quote({ seq: 1, price: 90, timestamp: '2026-11-23T10:05:00.000Z' });
    store.ingest('market_update', { BTC: later });
    frame();
    expect(store.getState().quotes.BTC).toEqual(later);
  });

  it('believes the first quote of a new connection, however old it looks', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({ seq: 500, price: 90 }) });
    frame();
    store.ingest('price_update', update({ seq: 501, price: 91 }));
    // A replay that was started anew counts from one again, and on an earlier clock.
    store.ingest('connection_status', { status: 'connected' });
    const anew = quote({ seq: 3, price: 80, timestamp: '2026-11-23T09:00:00.000Z' });
    store.ingest('market_update', { BTC: anew });
    frame();
    expect(store.getState().quotes.BTC).toEqual(anew);
    store.ingest('price_update', update({ seq: 2, price: 70, timestamp: anew.timestamp }));
    frame();
    expect(store.getState().quotes.BTC.price).toBe(80);
  });

  it('leaves the objects of unchanged symbols alone', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({}), ETH: quote({ symbol: 'ETH' }) });
    frame();
    const { ETH } = store.getState().quotes;
    store.ingest('price_update', update({}));
    frame();
    expect(store.getState().quotes.ETH).toBe(ETH);
  });

  it('puts older signals of the REST face under those that were streamed', () => {
    const { store, frame } = withFrames();
    const signal = (/** @type {string} */ id, /** @type {number} */ minute) => ({
      id,
      symbol: 'BTC',
      signal: /** @type {const} */ ('BUY'),
      strength: 0.7,
      reason: '',
      timestamp: `2026-11-23T10:0${minute}:00.000Z`,
    });
    store.ingest('trading_signal', signal('new', 5));
    frame();
    store.addHistory([signal('new', 5), signal('old', 3)]);
    const state = store.getState();
    expect(state.signalHistory.map(({ id }) => id)).toEqual(['new', 'old']);
    expect(state.tradingSignals.map(({ id }) => id)).toEqual(['new']);
    expect(state.latestSignals.BTC.id).toBe('new');
  });

  it('keeps each reading of the sentiment, with those of the REST face before them', () => {
    const { store, frame } = withFrames();
    const reading = (/** @type {number} */ minute, fearGreed = 50) => ({
      overall_sentiment: 'NEUTRAL',
      market_fear_greed: fearGreed,
      market_mood: 'NEUTRAL',
      confidence: 1,
      trending_topics: [],
      timestamp: `2026-11-23T10:0${minute}:00.000Z`,
    });
    for (const [minute, value] of [
      [3, 50],
      [4, 50],
      [4, 60],
    ]) {
      store.ingest('sentiment_update', reading(minute, value));
    }
    frame();
    store.addSentiments([reading(4, 10), reading(2)]);
    store.ingest('sentiment_update', reading(5));
    frame();
    const state = store.getState();
    expect(state.sentimentHistory).toEqual([reading(2), reading(3), reading(4, 60), reading(5)]);
    expect(state.sentimentData).toEqual(reading(5));
  });

  it('counts what is not known, at once', () => {
    const { store } = withFrames();
    store.ingest('resumed', { recovered: true });
    expect(store.getState().gaps).toBe(0);
    store.ingest('resumed', { recovered: false });
    expect(store.getState().gaps).toBe(1);
    // Nothing is known after that.
    store.reset();
    expect(store.getState().gaps).toBe(2);
  });

  it('drops what waits for a frame when it is reset', () => {
    const { store, frame } = withFrames();
    store.ingest('market_update', { BTC: quote({}) });
    store.reset();
    frame();
    expect(store.getState().marketData).toEqual({});
  });
});
