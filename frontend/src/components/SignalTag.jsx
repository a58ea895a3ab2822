import { humanise } from '@/lib/format.js';
import './SignalTag.css';

const GLYPHS = { STRONG_BUY: '▲▲', BUY: '▲', HOLD: '●', SELL: '▼', STRONG_SELL: '▼▼' };

/** @param {{ level: import('@/lib/types.js').SignalLevel }} props */
export function SignalTag({ level }) {
  return (
    <span className={`signal-tag ${level.toLowerCase().replace('_', '-')}`} title={humanise(level)}>
      <span className="signal-glyph" aria-hidden="true">
        {GLYPHS[level]}
      </span>
      <span className="signal-name">{humanise(level)}</span>
    </span>
  );
}
