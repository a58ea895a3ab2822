import { Link } from 'wouter';
import { Change } from '@/components/Change.jsx';
import { LivePrice } from '@/components/Price.jsx';
import { SymbolMark } from '@/components/SymbolMark.jsx';
import { useTitle } from '@/hooks/useTitle.js';
import { useStream } from '@/hooks/useWebSocket.js';
import './Welcome.css';

/** Enough to see that something moves. */
const SHOWN = 8;

/**
 * What a first-time visitor sees: the market, already moving, and one click to all of it.
 * @param {{ symbols: string[], onPreview: () => void }} props
 */
export function Welcome({ symbols, onPreview }) {
  useTitle(null);
  return (
    <div className="welcome">
      <section className="welcome-words">
        <h1>The crypto market, calmly.</h1>
        <p>
          Prices as they change, how the market feels, and what technical analysis says about it, on
          a page that you can leave open all day.
        </p>
        <div className="welcome-actions">
          <button type="button" className="button primary" onClick={onPreview}>
            Look around
          </button>
          <Link href="/sign-up" className="button">
            Create an account
          </Link>
        </div>
        <p className="muted">
          No account is needed to look around. With one, prices stream as they change. Already have
          one? <Link href="/sign-in">Sign in</Link>
        </p>
      </section>
      <section className="welcome-board" aria-label="A few prices">
        <ul>
          {symbols.slice(0, SHOWN).map((symbol) => (
            <li key={symbol}>
              <SymbolMark symbol={symbol} />
              <LivePrice symbol={symbol} />
              <BoardChange symbol={symbol} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

/** @param {{ symbol: string }} props */
function BoardChange({ symbol }) {
  return <Change value={useStream((state) => state.quotes[symbol]?.change_24h)} />;
}
