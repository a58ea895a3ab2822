import { useShallow } from 'zustand/react/shallow';
import { Link } from 'wouter';
import { Card, Empty } from '@/components/Card.jsx';
import { Change } from '@/components/Change.jsx';
import { LivePrice } from '@/components/Price.jsx';
import { SymbolMark } from '@/components/SymbolMark.jsx';
import { useStream } from '@/hooks/useWebSocket.js';
import './MoversPanel.css';

const MOVERS = 3;

/**
 * @param {import('@/lib/types.js').MarketData} quotes
 * @param {string[]} symbols
 * @returns {string[]} Risen most first.
 */
function byChange(quotes, symbols) {
  return symbols
    .filter((symbol) => quotes[symbol])
    .sort((a, b) => quotes[b].change_24h - quotes[a].change_24h);
}

/**
 * What rose and fell most in 24 hours.
 * @param {{ symbols: string[] }} props
 */
export function MoversPanel({ symbols }) {
  const ordered = useStream(useShallow((state) => byChange(state.marketData, symbols)));
  const each = Math.min(MOVERS, Math.floor(ordered.length / 2));
  return (
    <Card title="Movers" className="movers-card" aside={<span className="muted small">24 h</span>}>
      {each === 0 ? (
        <Empty>Waiting for the first prices.</Empty>
      ) : (
        <div className="movers">
          <MoverList title="Up most" symbols={ordered.slice(0, each)} />
          <MoverList title="Down most" symbols={ordered.slice(-each).reverse()} />
        </div>
      )}
    </Card>
  );
}

/** @param {{ title: string, symbols: string[] }} props */
function MoverList({ title, symbols }) {
  return (
    <section>
      <h3>{title}</h3>
      <ol>
        {symbols.map((symbol) => (
          <li key={symbol}>
            <Link href={`/markets/${symbol}`}>
              <SymbolMark symbol={symbol} />
            </Link>
            <LivePrice symbol={symbol} />
            <MoverChange symbol={symbol} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** @param {{ symbol: string }} props */
function MoverChange({ symbol }) {
  return <Change value={useStream((state) => state.quotes[symbol]?.change_24h)} />;
}
