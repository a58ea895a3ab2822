import { useShallow } from 'zustand/react/shallow';
import { Link } from 'wouter';
import { Card, Empty } from '@/components/Card.jsx';
import { Change } from '@/components/Change.jsx';
import { Explained } from '@/components/Explained.jsx';
import { LivePrice } from '@/components/Price.jsx';
import { SymbolMark } from '@/components/SymbolMark.jsx';
import { useDaySpan } from '@/hooks/useMarketInfo.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { moversOf } from './movers.js';
import './MoversPanel.css';

const MOVERS = 3;

/**
 * What rose and fell most.
 * @param {{ symbols: string[] }} props
 */
export function MoversPanel({ symbols }) {
  const known = useStream((state) => moversOf(state.marketData, symbols, MOVERS).known);
  const up = useStream(useShallow((state) => moversOf(state.marketData, symbols, MOVERS).up));
  const down = useStream(useShallow((state) => moversOf(state.marketData, symbols, MOVERS).down));
  const span = useDaySpan(symbols);
  return (
    <Card
      title={<Explained terms="change">Movers</Explained>}
      className="movers-card"
      aside={<span className="muted small">{span}</span>}
    >
      {known ? (
        <div className="movers">
          <MoverList title="Up most" symbols={up} none="Nothing rose." />
          <MoverList title="Down most" symbols={down} none="Nothing fell." />
        </div>
      ) : (
        <Empty>Waiting for the first prices.</Empty>
      )}
    </Card>
  );
}

/** @param {{ title: string, symbols: string[], none: string }} props */
function MoverList({ title, symbols, none }) {
  return (
    <section>
      <h3>{title}</h3>
      {symbols.length === 0 && <p className="muted">{none}</p>}
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

/**
 * The change that the list is ordered by: a newer one may have another sign.
 * @param {{ symbol: string }} props
 */
function MoverChange({ symbol }) {
  return <Change value={useStream((state) => state.marketData[symbol]?.change_24h)} />;
}
