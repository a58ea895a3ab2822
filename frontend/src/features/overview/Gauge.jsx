import './Gauge.css';

/** The bands of published fear-and-greed indices. */
const ZONES = /** @type {const} */ ([
  { upTo: 25, name: 'Extreme fear', tone: 'down' },
  { upTo: 45, name: 'Fear', tone: 'down' },
  { upTo: 55, name: 'Neutral', tone: '' },
  { upTo: 75, name: 'Greed', tone: 'up' },
  { upTo: 100, name: 'Extreme greed', tone: 'up' },
]);

/** @param {number} value 0 to 100. */
export function zoneOf(value) {
  return ZONES.find(({ upTo }) => value <= upTo) ?? ZONES[ZONES.length - 1];
}

const RADIUS = 84;
const CENTRE = { x: 100, y: 100 };
const GAP = 1.2;

/**
 * @param {number} value 0 to 100, left to right over the half circle.
 * @param {number} radius
 */
function pointAt(value, radius) {
  const angle = Math.PI * (1 - value / 100);
  return {
    x: CENTRE.x + radius * Math.cos(angle),
    y: CENTRE.y - radius * Math.sin(angle),
  };
}

/**
 * @param {number} from
 * @param {number} to
 */
function arc(from, to) {
  const start = pointAt(from, RADIUS);
  const end = pointAt(to, RADIUS);
  return `M${start.x.toFixed(2)} ${start.y.toFixed(2)}A${RADIUS} ${RADIUS} 0 0 1 ${end.x.toFixed(2)} ${end.y.toFixed(2)}`;
}

/**
 * Fear and greed on a half circle.
 * @param {{ name: string, value: number }} props
 */
export function Gauge({ name, value }) {
  const zone = zoneOf(value);
  const tip = pointAt(value, RADIUS);
  return (
    <div
      className="gauge"
      role="img"
      aria-label={`${name} ${Math.round(value)} of 100: ${zone.name}`}
    >
      <svg viewBox="0 0 200 112" aria-hidden="true">
        {ZONES.map((each, index) => {
          const from = index === 0 ? 0 : ZONES[index - 1].upTo;
          return (
            <path
              key={each.name}
              className={`gauge-zone zone-${index} ${each === zone ? 'current' : ''}`}
              d={arc(from + (index === 0 ? 0 : GAP), each.upTo - (index === 4 ? 0 : GAP))}
            />
          );
        })}
        <circle className="gauge-tip" cx={tip.x} cy={tip.y} r="9" />
      </svg>
      <div className="gauge-text" aria-hidden="true">
        <strong>{Math.round(value)}</strong>
        <span>{zone.name}</span>
      </div>
    </div>
  );
}
