import { Link, useLocation, useRoute, useSearch } from 'wouter';
import { useStore } from 'zustand';
import { ConnectionIndicator } from '@/components/ConnectionIndicator.jsx';
import { DisplayMenu } from '@/components/DisplayMenu.jsx';
import { FeedStrip } from '@/components/FeedStrip.jsx';
import { Icon } from '@/components/Icon.jsx';
import { SourceBadge } from '@/components/SourceBadge.jsx';
import { useMediaQuery } from '@/hooks/useMediaQuery.js';
import { useOffline } from '@/hooks/useOffline.js';
import { enableNotifications, notificationsSupported } from '@/lib/notifications.js';
import { preferences } from '@/lib/preferences.js';
import { preview } from '@/lib/preview.js';
import { session } from '@/lib/session.js';
import { accountHref } from './address.js';
import { Announcer } from './Announcer.jsx';
import { SIDE_BY_SIDE } from './screens.js';
import './Shell.css';

/**
 * What stands around every page.
 * @param {{ streaming: boolean, children: import('react').ReactNode }} props
 */
export function Shell({ streaming, children }) {
  const previewing = useStore(preview, (state) => state.active);
  const navigable = streaming || previewing;
  const offline = useOffline();
  return (
    <>
      <a href="#content" className="skip-link">
        Skip to content
      </a>
      {navigable && <ChartLink />}
      <header className="shell-header">
        <Link href="/" className="brand" aria-label="CRS, start page">
          <Logo />
          <span>CRS</span>
        </Link>
        {navigable && (
          <nav className="shell-nav" aria-label="Pages">
            <NavLink href="/" pattern="/" icon="grid" text="Overview" />
            <NavLink href="/markets" pattern="/markets/:symbol?" icon="candles" text="Markets" />
          </nav>
        )}
        <div className="shell-state">
          <SourceBadge />
          <ConnectionIndicator streaming={streaming} />
        </div>
        <div className="shell-actions">
          {streaming && <NotificationButton />}
          <DisplayMenu />
          <Account />
        </div>
      </header>
      <FeedStrip />
      <main id="content" tabIndex={-1} data-offline={offline}>
        {children}
      </main>
      <Announcer streaming={streaming} />
    </>
  );
}

/** Past table and tools to the chart, where there is one. */
function ChartLink() {
  const [onMarkets, params] = useRoute('/markets/:symbol?');
  const wide = useMediaQuery(SIDE_BY_SIDE);
  if (!onMarkets || !(params.symbol || wide)) return null;
  return (
    <a href="#chart" className="skip-link">
      Skip to chart
    </a>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g stroke="var(--accent-text)" strokeLinecap="round">
        <path d="M8 9v14M16 6v14M24 12v14" strokeWidth="2" opacity="0.55" />
        <path d="M8 12.5v6M16 9.5v6M24 16v6" strokeWidth="5" />
      </g>
    </svg>
  );
}

/**
 * @param {{ href: string, pattern: string, icon: import('@/components/Icon.jsx').IconName,
 *   text: string }} props
 */
function NavLink({ href, pattern, icon, text }) {
  const [active] = useRoute(pattern);
  return (
    <Link href={href} aria-current={active ? 'page' : undefined}>
      <Icon name={icon} />
      {text}
    </Link>
  );
}

function NotificationButton() {
  const wanted = useStore(preferences, (state) => state.notifications);
  if (!notificationsSupported()) return null;
  const denied = Notification.permission === 'denied';
  const on = wanted && Notification.permission === 'granted';
  const title = denied
    ? 'Notifications are blocked for this page in the browser’s settings'
    : 'Notify me of strong signals';
  return (
    <button
      type="button"
      className="button quiet"
      aria-label={title}
      title={title}
      aria-pressed={on}
      disabled={denied}
      onClick={() => {
        if (on) preferences.setState({ notifications: false });
        else void enableNotifications();
      }}
    >
      <Icon name="bell" filled={on} />
    </button>
  );
}

function Account() {
  const status = useStore(session, (state) => state.status);
  const username = useStore(session, (state) => state.user?.username);
  const [path] = useLocation();
  const search = useSearch();
  if (status === 'restoring') return null;
  if (status === 'signed-out') {
    return (
      <Link href={accountHref('/sign-in', path, search)} className="button account-link">
        Sign in
      </Link>
    );
  }
  return (
    <>
      <span className="account-name" title={username}>
        {username}
      </span>
      <button type="button" className="button account-link" onClick={signOut}>
        <Icon name="exit" />
        <span className="account-text">Sign out</span>
      </button>
    </>
  );
}

function signOut() {
  session.signOut().catch((/** @type {unknown} */ error) => {
    console.warn('Signed out here; the server could not be told', error);
  });
}
