// First, so that a component's own rules win over the general ones.
import './styles/tokens.css';
import './styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.jsx';
import { loadMarketInfo, marketInfo, noteFeedStatus } from './lib/marketInfo.js';
import { notifyOfSignal } from './lib/notifications.js';
import { applyTheme, preferences } from './lib/preferences.js';
import { session } from './lib/session.js';
import { streamStore } from './lib/streamStore.js';
import websocketService from './lib/websocket.js';

applyTheme();
preferences.subscribe(applyTheme);
loadMarketInfo();

websocketService.setTokenSource(session);
// Observers stay through `disconnect()`, and hear of signals while the tab is hidden.
websocketService.observe((event, payload) => {
  if (event === 'connection_status') noteFeedStatus(payload);
  if (event === 'trading_signal') notifyOfSignal(payload);
  // An expired token is refreshed by the connection; any other refusal ends the session.
  if (event === 'auth_error' && payload.error !== 'Token expired') session.end();
});
// What a panel shows of the past was the former source's.
marketInfo.subscribe(({ sourceChange }, before) => {
  if (sourceChange !== before.sourceChange) streamStore.noteGap();
});
if (import.meta.env.DEV) {
  websocketService.observe((event, payload) => {
    if (event === 'connection_status') console.info(payload.message);
    if (event === 'subscription_confirmed') console.info('Subscribed to', payload.subscribed);
  });
}
session.subscribe((state, before) => {
  if (state.user?.id !== before.user?.id) streamStore.reset();
});
void session.restore();

createRoot(/** @type {HTMLElement} */ (document.getElementById('root'))).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
