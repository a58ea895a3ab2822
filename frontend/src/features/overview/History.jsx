import { memo } from 'react';
import { Age } from '@/components/Age.jsx';
import { formatAge } from '@/lib/format.js';
import './History.css';

const WIDTH = 400;
const HEIGHT = 64;
const GRID = [25, 50, 75, 100];

/** Values of 0 to 100 over time, as an area with its first and last instant. */
export const History = memo(function History(
  /** @type {{ title: string, points: { time: string, value: number }[] }} */
  { title, points },
) {
  if (points.length < 2) return null;
  const first = Date.parse(points[0].time);
  const span = Date.parse(points[points.length - 1].time) - first || 1;
  const line = points
    .map(({ time, value }) => {
      const x = ((Date.parse(time) - first) / span) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - (value / 100) * HEIGHT).toFixed(1)}`;
    })
    .join(' ');
  const values = points.map(({ value }) => value);
  const summary = `${title}: from ${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}, now ${Math.round(values[values.length - 1])}`;
  return (
    <div className="history" role="img" aria-label={summary}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {GRID.map((value) => (
          <line
            key={value}
            x1="0"
            x2={WIDTH}
            y1={(1 - value / 100) * HEIGHT}
            y2={(1 - value / 100) * HEIGHT}
            className="history-grid"
          />
        ))}
        <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} className="history-area" />
        <polyline points={line} className="history-line" />
      </svg>
      <p aria-hidden="true">
        <span>{formatAge(span)} before</span>
        <span>{title}</span>
        <span>
          <Age time={points[points.length - 1].time} suffix=" ago" />
        </span>
      </p>
    </div>
  );
});
