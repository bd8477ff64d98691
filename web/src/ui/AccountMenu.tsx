import { useEffect, useRef, useState } from 'react';
import { api, done, session } from '../api/client';
import { navigate } from '../router';
import type { Own } from '../session/session';
import { Avatar } from './Avatar';
import { Link } from './Link';

async function signOut(): Promise<void> {
  await done(api.POST('/api/v1/auth/sign-out')).catch(() => null); // then it ends by itself
  session.end();
  navigate('/');
}

/** The button with the picture of who is signed in, and what it opens. */
export function AccountMenu({ user }: { user: Own }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const elsewhere = (e: Event) => {
      if (e.target instanceof Node && !root.current?.contains(e.target)) setOpen(false);
    };
    const escape = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('focusin', elsewhere);
    document.addEventListener('keydown', escape);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('focusin', elsewhere);
      document.removeEventListener('keydown', escape);
    };
  }, [open]);
  const close = () => setOpen(false);
  const name = user.display_name || user.username;
  return (
    <div className="account" ref={root}>
      <button ref={button} type="button" className="account-button" aria-expanded={open} aria-label={`Your account: ${name}`} onClick={() => setOpen(!open)}>
        <Avatar user={user} size={34} />
      </button>
      {open && (
        <ul className="account-menu">
          <li className="account-name"><strong>{name}</strong> <span>@{user.username}</span></li>
          <li><Link to={`/u/${user.username}`} onGo={close}>Your profile</Link></li>
          <li><Link to="/studio" onGo={close}>Your channels</Link></li>
          <li><Link to="/settings" onGo={close}>Settings</Link></li>
          {user.role === 'admin' && <li><Link to="/admin/users" onGo={close}>Administration</Link></li>}
          <li><button type="button" onClick={signOut}>Sign out</button></li>
        </ul>
      )}
    </div>
  );
}
