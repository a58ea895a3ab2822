import { memo, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { Change, directionOf } from '@/components/Change.jsx';
import { Explained } from '@/components/Explained.jsx';
import { Icon } from '@/components/Icon.jsx';
import { LivePrice } from '@/components/Price.jsx';
import { Toggle } from '@/components/Segmented.jsx';
import { SignalTag } from '@/components/SignalTag.jsx';
import { Sparkline } from '@/components/Sparkline.jsx';
import { SymbolMark } from '@/components/SymbolMark.jsx';
import { useDaySpan } from '@/hooks/useMarketInfo.js';
import { useSource } from '@/hooks/useSource.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { formatBasisPoints, formatCompact, UNKNOWN } from '@/lib/format.js';
import { assetName, marketInfo } from '@/lib/marketInfo.js';
import { preferences, toggleWatched } from '@/lib/preferences.js';
import { AddSymbols } from './AddSymbols.jsx';
import { marketHref } from './address.js';
import { topOf } from './book.js';
import { asProperties, columnWidths, hasWidePrices } from './columnWidths.js';
import { useInView, useSelectedInView } from './inView.js';
import { sparklines, wantSparkline } from './sparklines.js';
import { matches, sortSymbols } from './tableOrder.js';
import { useShownColumns } from './useShownColumns.js';
import './MarketTable.css';

/** @typedef {import('./tableOrder.js').Sort} Sort */
/** @typedef {import('./tableOrder.js').SortKey} SortKey */

/** @type {{ id: SortKey, text: string, className: string }[]} */
const COLUMNS = [
  { id: 'symbol', text: 'Symbol', className: '' },
  { id: 'price', text: 'Price', className: 'number column-price' },
  { id: 'spread', text: 'Spread', className: 'number column-spread' },
  { id: 'change', text: 'Change', className: 'number column-change' },
  { id: 'volume', text: 'Volume', className: 'number column-volume' },
];

/** @type {import('@/lib/glossary.js').Term[]} */
const TERMS = ['price', 'change', 'volume', 'signal'];
const SORT_KEYS = [...COLUMNS.map(({ id }) => id), 'signal'];
/** @type {Sort} Where the column that was chosen is not shown: nobody could tell by what it is sorted. */
const VISIBLE_SORT = { key: 'change', descending: true };

/**
 * All symbols; sorted, searched and starred here.
 * @param {{ symbols: string[], selected: string | null, interval: string }} props
 */
export function MarketTable({ symbols, selected, interval }) {
  const [text, setText] = useState('');
  const [chosen, setSort] = useState(/** @type {Sort} */ ({ key: 'volume', descending: true }));
  const head = useRef(/** @type {HTMLTableSectionElement | null} */ (null));
  const sort = useShownColumns(head, SORT_KEYS).includes(chosen.key) ? chosen : VISIBLE_SORT;
  const watchlist = useStore(preferences, (state) => state.watchlist);
  const onlyWatchlist = useStore(preferences, (state) => state.onlyWatchlist);
  const infos = useStore(marketInfo, (state) => state.bySymbol);
  const found = symbols.filter(
    (symbol) =>
      matches(symbol, assetName(infos[symbol]) ?? '', text) &&
      (!onlyWatchlist || watchlist.includes(symbol)),
  );
  // Ordered by `market_update`, every two seconds: rows that jump ten times a second can't be read.
  const ordered = useStream(
    useShallow((state) => sortSymbols(found, sort, state.marketData, state.latestSignals)),
  );
  const span = useDaySpan(symbols);
  const widths = useStream(useShallow((state) => columnWidths(found, state.quotes, infos)));

  const hasBook = useStream((state) => symbols.some((symbol) => topOf(state.quotes[symbol])));

  const body = useSelectedInView(selected, symbols);

  return (
    <section className="market-list" aria-label="All symbols">
      <div className="market-tools">
        <label className="search">
          <span className="visually-hidden">Search symbols</span>
          <Icon name="search" />
          <input
            type="search"
            placeholder="Search, or add a symbol"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <Toggle
          pressed={onlyWatchlist}
          onChange={(pressed) => preferences.setState({ onlyWatchlist: pressed })}
        >
          <Icon name="star" filled={onlyWatchlist} /> Watchlist
        </Toggle>
        <Explained
          terms={hasBook ? [...TERMS, 'spread'] : TERMS}
          label="What the columns mean"
          className="round"
        >
          ?
        </Explained>
      </div>
      <div className="market-scroll">
        <table
          className={`market-table ${hasWidePrices(widths) ? 'wide-prices' : ''} ${hasBook ? 'has-book' : ''}`}
          style={asProperties(widths)}
        >
          <colgroup>
            <col className="column-star" />
            <col />
            <col className="column-price" />
            <col className="column-spread" />
            <col className="column-change" />
            <col className="column-volume" />
            <col className="column-line" />
            <col className="column-signal" />
          </colgroup>
          <thead ref={head}>
            <tr>
              <th scope="col" className="column-star">
                <span className="visually-hidden">Watch</span>
              </th>
              {COLUMNS.map((column) => (
                <SortHeader
                  key={column.id}
                  {...column}
                  text={column.id === 'change' ? span : column.text}
                  sort={sort}
                  onSort={setSort}
                />
              ))}
              <th scope="col" className="column-line">
                <span className="visually-hidden">Last {span}</span>
              </th>
              <SortHeader
                id="signal"
                text="Signal"
                className="column-signal"
                sort={sort}
                onSort={setSort}
              />
            </tr>
          </thead>
          <tbody ref={body}>
            {ordered.map((symbol) => (
              <Row
                key={symbol}
                symbol={symbol}
                href={marketHref(symbol, interval)}
                selected={symbol === selected}
                watched={watchlist.includes(symbol)}
              />
            ))}
          </tbody>
        </table>
        {ordered.length === 0 && (
          <p className="empty">
            {onlyWatchlist && text === ''
              ? 'No symbol is on your watchlist. Star one to keep it here.'
              : symbols.length === 0
                ? 'Loading symbols…'
                : 'No symbol matches.'}
          </p>
        )}
        <AddSymbols text={text} />
      </div>
    </section>
  );
}

/**
 * @param {{ id: SortKey, text: string, className: string, sort: Sort,
 *   onSort: (sort: Sort) => void }} props
 */
function SortHeader({ id, text, className, sort, onSort }) {
  const active = sort.key === id;
  // Names are read from A, numbers from the largest.
  const descending = active ? !sort.descending : id !== 'symbol';
  return (
    <th
      scope="col"
      className={className}
      data-column={id}
      aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" onClick={() => onSort({ key: id, descending })}>
        {text}
        <span aria-hidden="true" className="sort-arrow">
          {active ? (sort.descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  );
}

const Row = memo(
  /** @param {{ symbol: string, href: string, selected: boolean, watched: boolean }} props */
  function Row({ symbol, href, selected, watched }) {
    const row = useRef(/** @type {HTMLTableRowElement | null} */ (null));
    const inView = useInView(row);
    const source = useSource(symbol);
    const [, navigate] = useLocation();
    useEffect(() => {
      if (inView) wantSparkline(symbol, source);
    }, [inView, symbol, source]);
    return (
      // The link inside does the same for the keyboard.
      // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
      <tr
        ref={row}
        className={selected ? 'selected' : ''}
        data-row={symbol}
        onClick={() => navigate(href)}
      >
        <td className="column-star">
          <button
            type="button"
            className="star"
            aria-pressed={watched}
            aria-label={`Watch ${symbol}`}
            onClick={(event) => {
              event.stopPropagation();
              toggleWatched(symbol);
            }}
          >
            <Icon name="star" filled={watched} />
          </button>
        </td>
        <th scope="row">
          <Link
            href={href}
            aria-current={selected ? 'true' : undefined}
            onClick={(/** @type {import('react').MouseEvent} */ event) => event.stopPropagation()}
          >
            <LiveMark symbol={symbol} />
          </Link>
        </th>
        {inView ? <LiveCells symbol={symbol} /> : <EmptyCells />}
      </tr>
    );
  },
);

/** @param {{ symbol: string }} props */
function LiveMark({ symbol }) {
  const stale = useStream((state) => state.quotes[symbol]?.stale ?? false);
  return <SymbolMark symbol={symbol} stale={stale} />;
}

/** As many cells, so that the columns stay. */
function EmptyCells() {
  return (
    <>
      <td />
      <td className="column-spread" />
      <td />
      <td className="column-volume" />
      <td className="column-line" />
      <td className="column-signal" />
    </>
  );
}

/** @param {{ symbol: string }} props */
function LiveCells({ symbol }) {
  return (
    <>
      <td className="number">
        <LivePrice symbol={symbol} />
      </td>
      <td className="number column-spread">
        <LiveSpread symbol={symbol} />
      </td>
      <td className="number">
        <LiveChange symbol={symbol} />
      </td>
      <td className="number column-volume">
        <LiveVolume symbol={symbol} />
      </td>
      <td className="column-line">
        <DayLine symbol={symbol} />
      </td>
      <td className="column-signal">
        <LatestSignal symbol={symbol} />
      </td>
    </>
  );
}

/** @param {{ symbol: string }} props */
function LiveSpread({ symbol }) {
  return useStream((state) => {
    const top = topOf(state.quotes[symbol]);
    return top ? formatBasisPoints(top.share) : UNKNOWN;
  });
}

/** @param {{ symbol: string }} props */
function LiveChange({ symbol }) {
  return <Change value={useStream((state) => state.quotes[symbol]?.change_24h)} />;
}

/** @param {{ symbol: string }} props */
function LiveVolume({ symbol }) {
  return useStream((state) => formatCompact(state.quotes[symbol]?.volume_24h));
}

/** @param {{ symbol: string }} props */
function DayLine({ symbol }) {
  const values = useStore(sparklines, (state) => state[symbol]);
  const direction = useStream((state) => directionOf(state.quotes[symbol]?.change_24h));
  return values ? <Sparkline values={values} direction={direction} /> : null;
}

/** @param {{ symbol: string }} props */
function LatestSignal({ symbol }) {
  const level = useStream((state) => state.latestSignals[symbol]?.signal);
  return level ? <SignalTag level={level} /> : UNKNOWN;
}
