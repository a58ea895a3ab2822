import { useShallow } from 'zustand/react/shallow';
import { Card, Empty } from '@/components/Card.jsx';
import { Change } from '@/components/Change.jsx';
import { Explained } from '@/components/Explained.jsx';
import { useDaySpan } from '@/hooks/useMarketInfo.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { formatCompact } from '@/lib/format.js';
import './BreadthPanel.css';

/**
 * @param {import('@/lib/types.js').MarketData} quotes
 * @param {string[]} symbols
 */
function breadthOf(quotes, symbols) {
  const known = symbols.map((symbol) => quotes[symbol]).filter(Boolean);
  const rising = known.filter(({ change_24h: change }) => change > 0).length;
  const falling = known.filter(({ change_24h: change }) => change < 0).length;
  return {
    total: known.length,
    rising,
    falling,
    volume: known.reduce((sum, quote) => sum + quote.volume_24h, 0),
    mean: known.reduce((sum, quote) => sum + quote.change_24h, 0) / (known.length || 1),
  };
}

/**
 * How many symbols rise and fall.
 * @param {{ symbols: string[] }} props
 */
export function BreadthPanel({ symbols }) {
  const breadth = useStream(useShallow((state) => breadthOf(state.marketData, symbols)));
  const { total, rising, falling, volume, mean } = breadth;
  return (
    <Card
      title="Market breadth"
      className="breadth-card"
      aside={<span className="muted small">{useDaySpan(symbols)}</span>}
    >
      {total === 0 ? (
        <Empty>Waiting for the first prices.</Empty>
      ) : (
        <>
          <div className="breadth-bar" aria-hidden="true">
            <span className="rising" style={{ flexGrow: rising }} />
            <span className="steady" style={{ flexGrow: total - rising - falling }} />
            <span className="falling" style={{ flexGrow: falling }} />
          </div>
          <dl className="breadth-facts">
            <div>
              <dt>
                <Explained terms="rising">Rising</Explained>
              </dt>
              <dd className="up">{rising}</dd>
            </div>
            <div>
              <dt>
                <Explained terms="rising">Falling</Explained>
              </dt>
              <dd className="down">{falling}</dd>
            </div>
            <div>
              <dt>
                <Explained terms="mean_change">Mean change</Explained>
              </dt>
              <dd>
                <Change value={mean} />
              </dd>
            </div>
            <div>
              <dt>
                <Explained terms="volume">Volume, USD</Explained>
              </dt>
              <dd>{formatCompact(volume)}</dd>
            </div>
          </dl>
        </>
      )}
    </Card>
  );
}
