import { lazy, Suspense } from 'react';
import { usePath } from '../router';
import { useWho } from '../session/who';
import { Link } from './Link';
import { Mark } from './Mark';

const AccountMenu = lazy(() => import('./AccountMenu').then((m) => ({ default: m.AccountMenu })));

/** The bar above every page. */
export function Header() {
  return (
    <header className="header">
      <a className="skip" href="#main">Skip to the content</a>
      <Link to="/" className="wordmark" aria-label="weir, live now">
        <Mark size={28} />
        <span>weir</span>
      </Link>
      <nav aria-label="Main">
        <Link to="/" className="navlink navlink-home">Live now</Link>
        <Account />
      </nav>
    </header>
  );
}

function Account() {
  const who = useWho();
  const path = usePath();
  if (who === undefined) return <span className="account account-unknown" />;
  if (who !== null) {
    return (
      <>
        <Link to="/studio" className="button button-compact">Go live</Link>
        <Suspense fallback={<span className="account account-unknown" />}><AccountMenu user={who} /></Suspense>
      </>
    );
  }
  const next = path === '/' || /^\/(sign-|forgot|verify|reset)/.test(path) ? '' : `?return_to=${encodeURIComponent(path)}`;
  return (
    <>
      <Link to={`/sign-in${next}`} className="navlink">Sign in</Link>
      <Link to={`/sign-up${next}`} className="button button-main button-compact">Sign up</Link>
    </>
  );
}
