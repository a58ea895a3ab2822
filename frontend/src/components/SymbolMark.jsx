import { useAssetName } from '@/hooks/useMarketInfo.js';
import './SymbolMark.css';

/**
 * A symbol with its name.
 * @param {{ symbol: string, stale?: boolean }} props
 */
export function SymbolMark({ symbol, stale = false }) {
  const name = useAssetName(symbol);
  return (
    <span className="symbol-mark" title={name ? `${symbol} ${name}` : symbol}>
      <strong>{symbol}</strong>
      {stale ? (
        <span className="stale-badge" title="No fresh data for over 15 seconds">
          Stale
        </span>
      ) : (
        name && <span className="symbol-name">{name}</span>
      )}
    </span>
  );
}
