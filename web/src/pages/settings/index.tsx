import '../../styles/form.css';
import '../../styles/settings.css';
import { useEffect } from 'react';
import { Guard } from '../../ui/Guard';
import { Link } from '../../ui/Link';
import { Account } from './Account';
import { Profile } from './Profile';
import { Security } from './Security';
import { Tokens } from './Tokens';

const PLACES = [
  ['profileSettings', '/settings', 'Profile'],
  ['accountSettings', '/settings/account', 'Account'],
  ['securitySettings', '/settings/security', 'Security'],
  ['tokenSettings', '/settings/tokens', 'API tokens'],
] as const;

/** The settings of one's account, in a chunk of their own. */
export function Settings({ page }: { page: (typeof PLACES)[number][0] }) {
  const title = PLACES.find(([id]) => id === page)?.[2] ?? '';
  useEffect(() => { document.title = `${title} · Settings · weir`; }, [title]);
  return (
    <Guard>
      {(me) => (
        <main id="main" className="page settings-page">
          <h1>Settings</h1>
          <nav className="tabs" aria-label="Settings">
            {PLACES.map(([id, path, label]) => <Link key={id} to={path} className="tab" {...(id === page ? { 'aria-current': 'page' as const } : {})}>{label}</Link>)}
          </nav>
          <div className="settings-body">
            {page === 'profileSettings' && <Profile key={me.id} />}
            {page === 'accountSettings' && <Account me={me} />}
            {page === 'securitySettings' && <Security />}
            {page === 'tokenSettings' && <Tokens me={me} />}
          </div>
        </main>
      )}
    </Guard>
  );
}
