import { lazy, Suspense } from 'react';
import { Link, Redirect, useLocation, useSearch } from 'wouter';
import { useStore } from 'zustand';
import { Age } from '@/components/Age.jsx';
import { Change } from '@/components/Change.jsx';
import { Explained } from '@/components/Explained.jsx';
import { Icon } from '@/components/Icon.jsx';
import { LivePrice } from '@/components/Price.jsx';
import { Segmented, Toggle } from '@/components/Segmented.jsx';
import { SignalTag } from '@/components/SignalTag.jsx';
import { SymbolMark } from '@/components/SymbolMark.jsx';
import { useDaySpan } from '@/hooks/useMarketInfo.js';
import { useLiveSymbols, useStream } from '@/hooks/useWebSocket.js';
import { formatCompact, formatShare } from '@/lib/format.js';
import { preferences } from '@/lib/preferences.js';
import { intervalOf, marketHref } from './address.js';
import { BookTop } from './BookTop.jsx';
import { INTERVALS, intervalRated } from './chart/intervals.js';
import { MarketTable } from './MarketTable.jsx';
import { Ratings } from './ratings/Ratings.jsx';
import { SignalRecord } from './record/SignalRecord.jsx';
import { useMarketTitle } from './useMarketTitle.js';
import './MarketDashboard.css';

const Chart = lazy(() => import('./chart/Chart.jsx'));

/**
 * The trading view: every symbol in a table, one of them as a chart.
 * @param {{ symbols: string[], chosen: string | undefined, wide: boolean, streaming: boolean,
 *   connection: import('@/lib/websocket.js').ConnectOptions }} props `chosen` comes from the
 *   address; a wide screen shows the first symbol where there is none.
 */
export function MarketDashboard({ symbols, chosen, wide, streaming, connection }) {
  useLiveSymbols({ autoConnect: streaming, symbols, realtime: true, connection });
  const interval = intervalOf(useSearch());
  // Symbols are upper case; what is typed by hand is often not.
  const meant = chosen?.toUpperCase();
  const unknown = meant !== undefined && symbols.length > 0 && !symbols.includes(meant);
  const shown = meant && !unknown ? meant : wide ? (symbols[0] ?? null) : null;
  useMarketTitle(shown);
  if (meant && meant !== chosen) return <Redirect to={marketHref(meant, interval)} replace />;
  return (
    <div className={`market ${chosen ? 'market-chosen' : ''}`}>
      <h1 className="visually-hidden">Markets</h1>
      <MarketTable symbols={symbols} selected={shown} interval={interval} />
      <section className="market-detail" aria-label="Chart">
        {unknown && <p className="empty">This server does not carry {chosen}.</p>}
        {shown && <Detail symbol={shown} interval={interval} />}
      </section>
    </div>
  );
}

/** @param {{ symbol: string, interval: string }} props */
function Detail({ symbol, interval }) {
  const [, navigate] = useLocation();
  return (
    <>
      <DetailHeader symbol={symbol} interval={interval} />
      <SignalRecord symbol={symbol} />
      <BookTop symbol={symbol} />
      <Ratings symbol={symbol} />
      <div className="chart-tools">
        <Segmented
          label="Interval"
          options={INTERVALS.map((value) => ({ value, text: value }))}
          value={interval}
          onChange={(value) => navigate(marketHref(symbol, value))}
        />
        <div className="overlay-toggles">
          <Overlays symbol={symbol} interval={interval} />
          <Explained
            terms={['candles', 'averages', 'bollinger', 'signal']}
            label="What the chart shows"
            className="round"
          >
            ?
          </Explained>
        </div>
      </div>
      <Suspense fallback={<ChartFrame />}>
        <Chart symbol={symbol} interval={interval} />
      </Suspense>
      <p className="attribution">
        <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer">
          TradingView
        </a>{' '}
        Lightweight Charts™ © 2025 TradingView, Inc.
      </p>
    </>
  );
}

/** The chart's place while its code is on the way. */
function ChartFrame() {
  return (
    <div className="chart chart-loading" role="status">
      Loading the chart…
    </div>
  );
}

/** @param {{ symbol: string, interval: string }} props */
function DetailHeader({ symbol, interval }) {
  const stale = useStream((state) => state.quotes[symbol]?.stale ?? false);
  const change = useStream((state) => state.quotes[symbol]?.change_24h);
  const volume = useStream((state) => state.quotes[symbol]?.volume_24h);
  const signal = useStream((state) => state.latestSignals[symbol]);
  const span = useDaySpan([symbol]);
  return (
    <header className="detail-header">
      <Link
        href={marketHref(null, interval)}
        className="button quiet detail-back"
        aria-label="All symbols"
      >
        <Icon name="back" />
      </Link>
      <h2>
        <SymbolMark symbol={symbol} stale={stale} />
      </h2>
      <div className="detail-price">
        <LivePrice symbol={symbol} />
        <span>
          <Change value={change} />{' '}
          <Explained terms={['price', 'change']} className="muted small">
            {span}
          </Explained>
        </span>
      </div>
      <dl className="detail-facts">
        <div>
          <dt>
            <Explained terms="volume">Volume {span}, USD</Explained>
          </dt>
          <dd>{formatCompact(volume)}</dd>
        </div>
        {signal && (
          <div className="detail-signal">
            <dt>
              <Age time={signal.timestamp} suffix=" ago" /> ·{' '}
              <Explained terms={['signal', 'reason']}>{signal.reason}</Explained>
            </dt>
            <dd>
              <SignalTag level={signal.signal} />{' '}
              <Explained terms="strength">{formatShare(signal.strength)}</Explained>
            </dd>
          </div>
        )}
      </dl>
    </header>
  );
}

const OVERLAY_NAMES = /** @type {const} */ ({
  averages: 'Averages',
  bollinger: 'Bollinger',
  signals: 'Signals',
});

/** @param {{ symbol: string, interval: string }} props */
function Overlays({ symbol, interval }) {
  const rated = useStream((state) => intervalRated(state.latestSignals[symbol]));
  const overlays = useStore(preferences, (state) => state.overlays);
  const names = /** @type {(keyof typeof OVERLAY_NAMES)[]} */ (Object.keys(OVERLAY_NAMES));
  return (
    <>
      {names.map((name) => (
        <Toggle
          key={name}
          pressed={overlays[name]}
          unavailable={
            name === 'signals' && interval !== rated
              ? `Signals rate candles of ${rated}, and are drawn on these only`
              : undefined
          }
          onChange={(pressed) =>
            preferences.setState({ overlays: { ...overlays, [name]: pressed } })
          }
        >
          {OVERLAY_NAMES[name]}
        </Toggle>
      ))}
    </>
  );
}
