import { useCallback } from 'react';
import { Explained } from '@/components/Explained.jsx';
import { useChanges } from '@/hooks/useChanges.js';
import { useRequest } from '@/hooks/useRequest.js';
import { useSource } from '@/hooks/useSource.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getSignalRecord } from '@/lib/api.js';
import { formatChange, formatShare, UNKNOWN } from '@/lib/format.js';
import { later, rowsOf, sentence, shareRight, signalsOf, spoken } from './words.js';
import './SignalRecord.css';

/** @param {number | null} basisPoints */
const percent = (basisPoints) => formatChange(basisPoints === null ? null : basisPoints / 100);

/** What is judged changes each quarter of an hour. */
const ASK_MS = 60_000;

/**
 * What signals like the present one have been worth, in a sentence, and as a table on request.
 * @param {{ symbol: string }} props
 */
export function SignalRecord({ symbol }) {
  const level = useStream((state) => state.latestSignals[symbol]?.signal);
  const timeframe = useStream((state) => state.latestSignals[symbol]?.timeframe);
  if (!level || !timeframe) return null;
  // Of another symbol nothing is shown while its own is on the way.
  return <Record key={`${symbol} ${timeframe}`} {...{ symbol, timeframe, level }} />;
}

/**
 * @param {{ symbol: string, timeframe: string, level: import('@/lib/types.js').SignalLevel }} props
 */
function Record({ symbol, timeframe, level }) {
  const ask = useCallback(
    /** @param {AbortSignal} signal */
    (signal) =>
      Promise.all([
        getSignalRecord({ symbol, timeframe, signal }),
        getSignalRecord({ timeframe, signal }),
      ]),
    [symbol, timeframe],
  );
  const { data } = useRequest(ask, ASK_MS, useChanges(useSource(symbol)));
  if (!data) return null;
  const [own, all] = data.map(({ record }) => rowsOf(record, level));
  const told = spoken(own, all);
  return (
    <details className="signal-record">
      <summary>
        <span className="muted">
          {signalsOf(level)} on {timeframe}, {told === own ? symbol : 'all symbols'}, 30 days:
        </span>{' '}
        {sentence(told)}
      </summary>
      <div className="signal-record-tables">
        <Rows title={symbol} rows={own} />
        <Rows title="All symbols" rows={all} />
      </div>
      <p className="muted small">
        <Explained terms={['record', 'signal']}>What is counted</Explained>
      </p>
    </details>
  );
}

/** @param {{ title: string, rows: import('@/lib/types.js').RecordRow[] }} props */
function Rows({ title, rows }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col">Right</th>
          <th scope="col">Any time</th>
          <th scope="col">Beyond drift</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.horizon}>
            <th scope="row">{later(row.horizon)}</th>
            <td>
              {shareRight(row) ?? UNKNOWN} <span className="muted">of {row.count}</span>
            </td>
            <td>{row.base_rate === null ? UNKNOWN : formatShare(row.base_rate)}</td>
            <td>
              {percent(row.mean_excess_bp)}{' '}
              {row.interval_90_bp && (
                <span className="muted" title="Where it lies in nine of ten cases">
                  ({row.interval_90_bp.map(percent).join(' to ')})
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
