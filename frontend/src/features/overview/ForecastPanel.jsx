import { useState } from 'react';
import { Card, Empty } from '@/components/Card.jsx';
import { Explained } from '@/components/Explained.jsx';
import { PriceText } from '@/components/PriceText.jsx';
import { Segmented } from '@/components/Segmented.jsx';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useRequest } from '@/hooks/useRequest.js';
import { getForecast } from '@/lib/api.js';
import { formatShare, UNKNOWN } from '@/lib/format.js';
import './ForecastPanel.css';

const REFRESH_MS = 30_000;
const HORIZONS = [
  { value: '1h', text: '1 h' },
  { value: '24h', text: '24 h' },
];

/** @typedef {import('@/lib/types.js').Forecast} Forecast */
/** @typedef {import('@/lib/types.js').ForecastReport} ForecastReport */

/** Where each price will lie, with what probability, and how often that was right so far. */
export function ForecastPanel() {
  const { data, error } = useRequest(getForecast, REFRESH_MS);
  const [horizon, setHorizon] = useState('1h');
  return (
    <Card
      title={<Explained terms="forecast">Forecast range</Explained>}
      className="forecast-card"
      note={data && <Note report={data} horizon={horizon} />}
      aside={<Segmented label="Horizon" options={HORIZONS} value={horizon} onChange={setHorizon} />}
    >
      {data?.forecasts?.length ? (
        <ForecastTable forecasts={data.forecasts} horizon={horizon} />
      ) : (
        <Empty>
          {data
            ? 'Not available yet: the ranges need some hours of prices.'
            : error
              ? 'The ranges could not be loaded; trying again.'
              : 'Loading…'}
        </Empty>
      )}
    </Card>
  );
}

/**
 * How wide the widest range is, as a share of its price: the scale that all rows share.
 * @param {Forecast[]} forecasts
 * @param {string} horizon
 */
function widestOf(forecasts, horizon) {
  const spreads = forecasts.flatMap(({ price, ranges }) =>
    (ranges[horizon]?.['90'] ?? []).map((bound) => Math.abs(bound / price - 1)),
  );
  return Math.max(0.0001, ...spreads);
}

/** @param {{ forecasts: Forecast[], horizon: string }} props */
function ForecastTable({ forecasts, horizon }) {
  const widest = widestOf(forecasts, horizon);
  return (
    // Scrollable, so reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="forecast-scroll" role="region" aria-label="Forecast ranges" tabIndex={0}>
      <table className="forecast">
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col" className="number">
              Price
            </th>
            <th scope="col" className="number">
              <Explained terms="range_50">50 % range</Explained>
            </th>
            <th scope="col" className="number">
              <Explained terms="range_90">90 % range</Explained>
            </th>
            <th scope="col" className="forecast-scale">
              <span className="visually-hidden">Ranges drawn around the price</span>
              <span aria-hidden="true">−{formatShare(widest, 1)}</span>
              <span aria-hidden="true">+{formatShare(widest, 1)}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {forecasts.map((forecast) => (
            <ForecastRow
              key={forecast.symbol}
              forecast={forecast}
              horizon={horizon}
              widest={widest}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** @param {{ forecast: Forecast, horizon: string, widest: number }} props */
function ForecastRow({ forecast, horizon, widest }) {
  const { symbol, price, ranges } = forecast;
  const known = useDecimals(symbol);
  const decimals = forecast.decimals ?? known;
  const half = ranges[horizon]?.['50'];
  const most = ranges[horizon]?.['90'];
  return (
    <tr>
      <th scope="row">{symbol}</th>
      <td className="number">
        <PriceText price={price} decimals={decimals} />
      </td>
      <td className="number">
        <Range range={half} decimals={decimals} />
      </td>
      <td className="number">
        <Range range={most} decimals={decimals} />
      </td>
      <td className="forecast-scale" aria-hidden="true">
        <div className="range">
          {most && <span className="range-most" style={place(most, price, widest)} />}
          {half && <span className="range-half" style={place(half, price, widest)} />}
          <span className="range-price" />
        </div>
      </td>
    </tr>
  );
}

/**
 * In two halves, which go below each other where there is no room.
 * @param {{ range: [number, number] | undefined, decimals: number | undefined }} props
 */
function Range({ range, decimals }) {
  if (!range) return UNKNOWN;
  return (
    <>
      <span className="range-end">
        <PriceText price={range[0]} decimals={decimals} /> –{' '}
      </span>
      <span className="range-end">
        <PriceText price={range[1]} decimals={decimals} />
      </span>
    </>
  );
}

/**
 * @param {[number, number]} range
 * @param {number} price
 * @param {number} widest
 */
function place([low, high], price, widest) {
  const left = 50 + ((low / price - 1) / widest) * 50;
  const right = 50 - ((high / price - 1) / widest) * 50;
  return { insetInline: `${left}% ${right}%` };
}

/** @param {{ report: ForecastReport, horizon: string }} props */
function Note({ report, horizon }) {
  const measured = Object.entries(report.coverage?.[horizon] ?? {})
    .filter(([, { total }]) => total > 0)
    .map(([level, { hits, total }]) => `${level} %: ${formatShare(hits / total, 1)} of ${total}`);
  return (
    <>
      {measured.length > 0
        ? `Measured so far, prices that ended within their range: ${measured.join('; ')}. `
        : 'No range of this horizon has run out yet, so none could be checked. '}
      A statistical range, not advice.
      {report.model && (
        <details>
          <summary>How it is computed</summary>
          {report.model}
        </details>
      )}
    </>
  );
}
