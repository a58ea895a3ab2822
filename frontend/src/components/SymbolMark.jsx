import { ASSET_NAMES } from '@/lib/assetNames.js';
import './SymbolMark.css';

/**
 * A symbol with its name.
 * @param {{ symbol: string, stale?: boolean }} props
 */
export function SymbolMark({ symbol, stale = false }) {
  return (
    <span className="symbol-mark">
      <strong>{symbol}</strong>
      {stale ? (
        <span className="stale-badge" title="No fresh data for over 15 seconds">
          Stale
        </span>
      ) : (
        ASSET_NAMES[symbol] && <span className="symbol-name">{ASSET_NAMES[symbol]}</span>
      )}
    </span>
  );
}
