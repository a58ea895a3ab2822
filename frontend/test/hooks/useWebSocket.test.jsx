// @vitest-environment jsdom
import { act, render, renderHook, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { StrictMode, useState } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useConnection, useLiveSymbols, useStream, useWebSocket } from '@/hooks/useWebSocket.js';
import { streamStore } from '@/lib/streamStore.js';
import websocketService from '@/lib/websocket.js';
import { eventually } from '../eventually.js';
import { StreamServer } from '../streamServer.js';

/** @type {StreamServer} */
let server;

beforeEach(async () => {
  server = await new StreamServer().start();
  // The hook connects to the page's own origin.
  /** @type {any} */ (globalThis).jsdom.reconfigure({ url: server.url });
});

afterEach(async () => {
  websocketService.disconnect();
  streamStore.reset();
  await server.stop();
});

const BTC = {
  symbol: 'BTC',
  price: 64000.5,
  change_24h: 1.5,
  volume_24h: 1e9,
  timestamp: '2026-11-23T10:00:00.000Z',
  seq: 7,
  stale: false,
};

/** @param {number} minute */
const signalAt = (minute) => ({
  id: `s${minute}`,
  symbol: 'BTC',
  signal: 'BUY',
  strength: 0.8,
  reason: 'Volume surge observed',
  timestamp: `2026-11-23T10:${String(minute).padStart(2, '0')}:00.000Z`,
});

/** @param {DocumentVisibilityState} state */
function turn(state) {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(state === 'hidden');
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('useWebSocket', () => {
  it('connects on mount, subscribes, and shows what arrives', async () => {
    function Quote() {
      const { isConnected, marketData } = useWebSocket({ symbols: ['BTC', 'ETH'] });
      return <p>{isConnected ? `BTC ${marketData.BTC?.price}` : 'waiting'}</p>;
    }
    render(<Quote />);
    expect(screen.getByText('waiting')).toBeTruthy();
    await screen.findByText('BTC undefined');
    server.emit('market_update', { BTC });
    await screen.findByText('BTC 64000.5');
    expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC', 'ETH'], realtime: false }]);
  });

  it('starts with nothing', () => {
    const { result } = renderHook(() => useWebSocket({ autoConnect: false }));
    expect(result.current).toMatchObject({
      isConnected: false,
      connectionStatus: 'disconnected',
      marketData: {},
      sentimentData: null,
      tradingSignals: [],
      lastUpdate: null,
    });
  });

  it('returns what arrived, field by field', async () => {
    const { result } = renderHook(() => useWebSocket());
    await eventually(() => expect(result.current.isConnected).toBe(true));
    const sentiment = {
      overall_sentiment: 'POSITIVE',
      market_fear_greed: 61,
      market_mood: 'BULLISH',
      confidence: 0.7,
      trending_topics: ['btc'],
      timestamp: BTC.timestamp,
      id: 'x',
      components: { volume: 50 },
    };
    server.emit('market_update', { BTC });
    server.emit('sentiment_update', sentiment);
    server.emit('trading_signal', signalAt(1));
    await eventually(() => expect(result.current.tradingSignals).toEqual([signalAt(1)]));
    expect(result.current.marketData).toEqual({ BTC });
    expect(result.current.sentimentData).toEqual(sentiment);
    expect(new Date(result.current.lastUpdate ?? '').toISOString()).toBe(result.current.lastUpdate);
  });

  it('keeps the ten newest signals, newest first, each once', async () => {
    const { result } = renderHook(() => useWebSocket());
    await eventually(() => expect(result.current.isConnected).toBe(true));
    for (const minute of [3, 1, 2, 1, 12, 11, 10, 9, 8, 7, 6, 5, 4]) {
      server.emit('trading_signal', signalAt(minute));
    }
    await eventually(() =>
      expect(result.current.tradingSignals.map(({ id }) => id)).toEqual(
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((minute) => `s${minute}`),
      ),
    );
  });

  it('merges an update with what it knows of other symbols', async () => {
    const { result } = renderHook(() => useWebSocket());
    await eventually(() => expect(result.current.isConnected).toBe(true));
    server.emit('market_update', { BTC });
    await eventually(() => expect(result.current.marketData).toEqual({ BTC }));
    server.emit('market_update', { ETH: { ...BTC, symbol: 'ETH' } });
    await eventually(() => expect(Object.keys(result.current.marketData)).toEqual(['BTC', 'ETH']));
  });

  it('takes a single symbol for what it is', async () => {
    const { result } = renderHook(() => useWebSocket({ symbols: 'BTC' }));
    await eventually(() => expect(result.current.isConnected).toBe(true));
    act(() => result.current.subscribe('ETH'));
    await eventually(() =>
      expect(server.payloads('subscribe').map(({ symbols }) => symbols)).toEqual([
        ['BTC'],
        ['ETH'],
      ]),
    );
  });

  it('is right the moment that a hidden tab is shown', async () => {
    const { result } = renderHook(() => useWebSocket({ symbols: ['BTC'] }));
    await eventually(() => expect(result.current.isConnected).toBe(true));
    const heard = new Promise((resolve) => {
      const remove = websocketService.on('market_update', (data) => {
        if (data.BTC.price === 2) resolve(remove());
      });
    });
    turn('hidden');
    server.emit('market_update', { BTC });
    server.emit('market_update', { BTC: { ...BTC, price: 2, seq: 8 } });
    await heard;
    expect(result.current.marketData).toEqual({});
    act(() => turn('visible'));
    expect(result.current.marketData.BTC.price).toBe(2);
  });

  it('connects with the token it is given', async () => {
    renderHook(() => useWebSocket({ token: 'mine' }));
    await eventually(() => expect(server.tokens).toEqual(['mine']));
  });

  it('connects, disconnects and subscribes when told to', async () => {
    function Controls() {
      const { connectionStatus, connect, disconnect, subscribe } = useWebSocket({
        autoConnect: false,
      });
      return (
        <>
          <p>{connectionStatus}</p>
          <button onClick={connect}>Connect</button>
          <button onClick={disconnect}>Disconnect</button>
          <button onClick={() => subscribe(['SOL', 'AVAX'])}>Add</button>
        </>
      );
    }
    const user = userEvent.setup();
    render(<Controls />);
    await user.click(screen.getByText('Connect'));
    await screen.findByText('connected');
    await user.click(screen.getByText('Add'));
    await user.click(screen.getByText('Add'));
    await eventually(() => expect(server.payloads('subscribe')).toHaveLength(1));
    await user.click(screen.getByText('Disconnect'));
    await screen.findByText('disconnected');
    await user.click(screen.getByText('Connect'));
    await screen.findByText('connected');
    await eventually(() => expect(server.payloads('subscribe')).toHaveLength(2));
    expect(server.payloads('subscribe')[1].symbols).toEqual(['SOL', 'AVAX']);
  });

  it('says error when the server refuses', async () => {
    server.refuse = () => 'Invalid token';
    const { result } = renderHook(() => useWebSocket({ token: 'garbage' }));
    await eventually(() => expect(result.current.connectionStatus).toBe('error'));
  });
});

describe('several components', () => {
  it('go on when one of them disconnects, and so does who listens beside them', async () => {
    const one = renderHook(() => useWebSocket({ symbols: ['BTC'] }));
    const other = renderHook(() => useWebSocket({ symbols: ['BTC'] }));
    /** @type {any[]} */
    const heard = [];
    const remove = websocketService.on('market_update', (data) => heard.push(data));
    await eventually(() => expect(other.result.current.isConnected).toBe(true));
    act(() => one.result.current.disconnect());
    await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
    server.emit('market_update', { BTC });
    await eventually(() => expect(other.result.current.marketData).toEqual({ BTC }));
    expect(heard).toEqual([{ BTC }]);

    act(() => other.result.current.disconnect());
    await eventually(() => expect(other.result.current.isConnected).toBe(false));
    act(() => one.result.current.connect());
    await eventually(() => expect(one.result.current.isConnected).toBe(true));
    server.emit('market_update', { BTC });
    await eventually(() => expect(heard).toHaveLength(2));
    remove();
  });

  it('share one connection and their symbols, in StrictMode, and leave nothing behind', async () => {
    /** @param {{ symbols: string[] }} props */
    function Part({ symbols }) {
      const { marketData } = useWebSocket({ symbols });
      return <p>{symbols.map((symbol) => `${symbol}=${marketData[symbol]?.price}`).join(' ')}</p>;
    }
    function Page() {
      const [both, setBoth] = useState(true);
      return (
        <>
          <Part symbols={['BTC', 'ETH']} />
          {both && <Part symbols={['ETH', 'ADA']} />}
          <button onClick={() => setBoth(false)}>One</button>
        </>
      );
    }
    const observersBefore = websocketService._observers.size;
    const { unmount } = render(
      <StrictMode>
        <Page />
      </StrictMode>,
    );
    await eventually(() => expect(websocketService.isConnected()).toBe(true));
    expect(server.tokens).toHaveLength(1);
    server.emit('market_update', { BTC, ETH: { ...BTC, symbol: 'ETH', price: 2 } });
    await screen.findByText('BTC=64000.5 ETH=2');
    await screen.findByText('ETH=2 ADA=undefined');

    await userEvent.click(screen.getByText('One'));
    await eventually(() => expect(server.payloads('unsubscribe')).toEqual([{ symbols: ['ADA'] }]));
    expect(websocketService.isConnected()).toBe(true);

    unmount();
    await eventually(() => expect(server.connections).toBe(0));
    expect(websocketService._observers.size).toBe(observersBefore);
    expect(websocketService._events.size).toBe(0);
    expect(websocketService._subscriptions.symbols).toEqual([]);
  });

  it('keep the connection when one goes and another comes in the same moment', async () => {
    function Page() {
      useLiveSymbols({ symbols: ['BTC'] });
      return null;
    }
    const { rerender } = render(<Page key="one" />);
    await eventually(() => expect(websocketService.isConnected()).toBe(true));
    rerender(<Page key="two" />);
    await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(websocketService.isConnected()).toBe(true);
    expect(server.tokens).toHaveLength(1);
  });
});

describe('selectors', () => {
  it('render a component only when its own part changes', async () => {
    let renders = 0;
    function Price() {
      renders += 1;
      return <p>{useStream((state) => state.quotes.BTC?.price ?? 'none')}</p>;
    }
    function Live() {
      useLiveSymbols({ symbols: ['BTC'] });
      return <p>{useConnection((state) => state.phase)}</p>;
    }
    render(
      <>
        <Price />
        <Live />
      </>,
    );
    await screen.findByText('connected');
    server.emit('market_update', { BTC });
    await screen.findByText('64000.5');
    const before = renders;
    server.emit('market_update', { ETH: { ...BTC, symbol: 'ETH' } });
    await eventually(() => expect(streamStore.getState().marketData.ETH).toBeTruthy());
    expect(renders).toBe(before);
  });
});
