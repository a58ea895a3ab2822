import { useTitle } from '@/hooks/useTitle.js';
import { useLiveSymbols } from '@/hooks/useWebSocket.js';
import { BreadthPanel } from './BreadthPanel.jsx';
import { ForecastPanel } from './ForecastPanel.jsx';
import { MoversPanel } from './MoversPanel.jsx';
import { SentimentPanel } from './SentimentPanel.jsx';
import { SignalFeed } from './SignalFeed.jsx';
import './AIDashboard.css';

/**
 * The overview: how the market feels, what moves, and what the analysis says of it.
 * @param {{ symbols: string[], streaming: boolean,
 *   connection: import('@/lib/websocket.js').ConnectOptions }} props
 */
export function AIDashboard({ symbols, streaming, connection }) {
  useTitle('Overview');
  useLiveSymbols({ autoConnect: streaming, symbols, connection });
  return (
    <div className="overview">
      <h1 className="visually-hidden">Overview</h1>
      <SentimentPanel />
      <BreadthPanel symbols={symbols} />
      <MoversPanel symbols={symbols} />
      <ForecastPanel />
      <SignalFeed />
    </div>
  );
}
