import { useEffect } from 'react';
import { Redirect, Route, Switch, useLocation, useSearch } from 'wouter';
import { useStore } from 'zustand';
import { AccountForm } from '@/features/account/AccountForm.jsx';
import { Welcome } from '@/features/account/Welcome.jsx';
import { MarketDashboard } from '@/features/market/MarketDashboard.jsx';
import { AIDashboard } from '@/features/overview/AIDashboard.jsx';
import { useMediaQuery } from '@/hooks/useMediaQuery.js';
import { useSymbols } from '@/hooks/useMarketInfo.js';
import { preview, setPreview, startPreview } from '@/lib/preview.js';
import { session } from '@/lib/session.js';
import { accountHref, nextOf } from './address.js';
import { ErrorBoundary } from './ErrorBoundary.jsx';
import { SIDE_BY_SIDE } from './screens.js';
import { Shell } from './Shell.jsx';

/** A page that is left open comes back by itself, however long the server was away. */
const CONNECTION = { retryAfterFailureMs: 30_000 };

export function App() {
  const status = useStore(session, (state) => state.status);
  const previewing = useStore(preview, (state) => state.active);
  const streaming = status === 'signed-in';
  const polling = status === 'signed-out';
  useEffect(() => (polling ? startPreview() : undefined), [polling]);

  return (
    <Shell streaming={!polling}>
      <ErrorBoundary>
        {polling && !previewing ? <VisitorPages /> : <Pages streaming={streaming} />}
      </ErrorBoundary>
    </Shell>
  );
}

/** @param {{ streaming: boolean }} props */
function Pages({ streaming }) {
  const symbols = useSymbols();
  const wide = useMediaQuery(SIDE_BY_SIDE);
  const search = useSearch();
  return (
    <Switch>
      <Route path="/">
        <AIDashboard symbols={symbols} streaming={streaming} connection={CONNECTION} />
      </Route>
      <Route path="/markets/:symbol?">
        {({ symbol }) => (
          <MarketDashboard
            symbols={symbols}
            chosen={symbol}
            wide={wide}
            streaming={streaming}
            connection={CONNECTION}
          />
        )}
      </Route>
      {!streaming && AccountRoutes()}
      <Route>
        <Redirect to={nextOf(search)} replace />
      </Route>
    </Switch>
  );
}

function VisitorPages() {
  const symbols = useSymbols();
  const [path, navigate] = useLocation();
  const search = useSearch();
  return (
    <Switch>
      {AccountRoutes()}
      <Route path="/markets/:symbol?">
        <Redirect to={accountHref('/sign-in', path, search)} replace />
      </Route>
      <Route>
        <Welcome
          symbols={symbols}
          onPreview={() => {
            setPreview(true);
            navigate('/');
          }}
        />
      </Route>
    </Switch>
  );
}

/** Routes and no component: `Switch` looks at its own children only. */
function AccountRoutes() {
  return [
    <Route key="in" path="/sign-in">
      <SignIn />
    </Route>,
    <Route key="up" path="/sign-up">
      <SignUp />
    </Route>,
  ];
}

function SignIn() {
  const ended = useStore(session, (state) => state.ended);
  const search = useSearch();
  return (
    <AccountForm
      title="Sign in"
      action="Sign in"
      fresh={false}
      notice={ended ? 'Your session has ended. Sign in again to go on.' : undefined}
      onSubmit={(username, password) => session.signIn(username, password)}
      other={{
        question: 'No account yet?',
        text: 'Create one',
        href: accountHref('/sign-up', '/sign-in', search),
      }}
    />
  );
}

function SignUp() {
  const search = useSearch();
  return (
    <AccountForm
      title="Create an account"
      action="Create account"
      fresh
      onSubmit={(username, password) => session.signUp(username, password)}
      other={{
        question: 'Already have one?',
        text: 'Sign in',
        href: accountHref('/sign-in', '/sign-up', search),
      }}
    />
  );
}
