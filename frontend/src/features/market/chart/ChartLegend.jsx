import { useDecimals } from '@/hooks/useMarketInfo.js';
import { formatChange, formatCompact, formatPrice } from '@/lib/format.js';
import { formatMoment } from '@/lib/time.js';
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
        <div>
          <dt className="visually-hidden">Opens</dt>
          <dd>
            <time dateTime={new Date(bar.time).toISOString()}>{formatMoment(bar.time)}</time>
          </dd>
        </div>
        <Value name="O" label="Open" number={bar.open} tone={tone}>
          {formatPrice(bar.open, decimals)}
        </Value>
        <Value name="H" label="High" number={bar.high} tone={tone}>
          {formatPrice(bar.high, decimals)}
        </Value>
        <Value name="L" label="Low" number={bar.low} tone={tone}>
          {formatPrice(bar.low, decimals)}
        </Value>
        <Value name="C" label="Close" number={bar.close} tone={tone}>
          {formatPrice(bar.close, decimals)}
        </Value>
        <Value name="" label="Change" number={change} tone={tone}>
          {formatChange(change)}
        </Value>
        <Value name="Vol" label="Volume" number={bar.volume}>
          {formatCompact(bar.volume)}
        </Value>
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

/**
 * @param {{ name: string, label: string, number: number, tone?: string, children: string }} props
 *   `number`: unrounded, for a machine to read.
 */
function Value({ name, label, number, tone, children }) {
  return (
    <div>
      <dt>
        <abbr title={label}>{name}</abbr>
        {name === '' && <span className="visually-hidden">{label}</span>}
      </dt>
      <dd className={tone}>
        <data value={number}>{children}</data>
      </dd>
    </div>
  );
}
