import { useEffect, type ReactNode } from 'react';
import { navigate } from '../router';
import type { Own } from '../session/session';
import { useWho } from '../session/who';

/** What only who is signed in may see; others are sent to sign in, and come back. */
export function Guard({ children }: { children: (me: Own) => ReactNode }) {
  const who = useWho();
  useEffect(() => {
    if (who === null) navigate(`/sign-in?return_to=${encodeURIComponent(location.pathname)}`, true);
  }, [who]);
  if (!who) return <main id="main" className="page"><p className="quiet" role="status">One moment…</p></main>;
  return children(who);
}
