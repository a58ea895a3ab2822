import { useDecimals } from '@/hooks/useMarketInfo.js';
import { formatChange, formatCompact, formatPrice } from '@/lib/format.js';
import { AVERAGE_PERIODS, BOLLINGER } from './overlays.js';

/**
 * What the chart shows at one bar, and which lines it draws.
 * @param {{ symbol: string, bar: import('./bars.js').Bar | null, announce: boolean,
 *   overlays: import('@/lib/preferences.js').Preferences['overlays'] }} props
 */
export function ChartLegend({ symbol, bar, announce, overlays }) {
  const decimals = useDecimals(symbol);
  if (!bar) return <div className="legend" />;
  const change = (bar.close / bar.open - 1) * 100;
  const tone = change > 0 ? 'up' : change < 0 ? 'down' : '';
  return (
    <div className="legend">
      <dl aria-live={announce ? 'polite' : 'off'}>
        <Value name="O" label="Open" value={formatPrice(bar.open, decimals)} tone={tone} />
        <Value name="H" label="High" value={formatPrice(bar.high, decimals)} tone={tone} />
        <Value name="L" label="Low" value={formatPrice(bar.low, decimals)} tone={tone} />
        <Value name="C" label="Close" value={formatPrice(bar.close, decimals)} tone={tone} />
        <Value name="" label="Change" value={formatChange(change)} tone={tone} />
        <Value name="Vol" label="Volume" value={formatCompact(bar.volume)} tone="" />
      </dl>
      <p className="legend-overlays">
        {overlays.averages &&
          AVERAGE_PERIODS.map((period, index) => (
            <span key={period} className={`overlay-${index}`}>
              MA {period}
            </span>
          ))}
        {overlays.bollinger && (
          <span className="overlay-band">
            BB {BOLLINGER.period}, {BOLLINGER.width}
          </span>
        )}
      </p>
    </div>
  );
}

/** @param {{ name: string, label: string, value: string, tone: string }} props */
function Value({ name, label, value, tone }) {
  return (
    <div>
      <dt>
        <abbr title={label}>{name}</abbr>
        {name === '' && <span className="visually-hidden">{label}</span>}
      </dt>
      <dd className={tone}>{value}</dd>
    </div>
  );
}
