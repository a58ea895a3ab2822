import { formatChange } from '@/lib/format.js';

const ARROWS = { up: '▲', down: '▼', flat: '' };

/**
 * @param {number | undefined} change
 * @returns {'up' | 'down' | 'flat'}
 */
export function directionOf(change) {
  if (!change) return 'flat';
  return change > 0 ? 'up' : 'down';
}

/**
 * A change in per cent: an arrow, a sign and a colour say the direction.
 * @param {{ value: number | undefined }} props
 */
export function Change({ value }) {
  const direction = directionOf(value);
  return (
    <span className={direction}>
      <span aria-hidden="true" className="arrow">
        {ARROWS[direction]}
      </span>
      {formatChange(value)}
    </span>
  );
}
