import '../../styles/form.css';
import '../../styles/settings.css';
import '../../styles/studio.css';
import { useEffect } from 'react';
import { Guard } from '../../ui/Guard';
import { Link } from '../../ui/Link';
import { Lost } from '../Lost';
import { Webhooks } from '../webhooks';
import { OF_ALL } from '../webhooks/calls';
import { Users } from './Users';

const PLACES = [
  ['users', '/admin/users', 'Users'],
  ['allWebhooks', '/admin/webhooks', 'Webhooks'],
] as const;

/** What looks after the whole installation, for admins. */
export function Admin({ page }: { page: (typeof PLACES)[number][0] }) {
  const title = PLACES.find(([id]) => id === page)?.[2] ?? '';
  useEffect(() => { document.title = `${title} · weir`; }, [title]);
  return (
    <Guard>
      {(me) => (me.role !== 'admin' ? <Lost title="This page is for administrators" words="Your account may not look after this server. An administrator can change that." /> : (
        <main id="main" className="page">
          <h1>Administration</h1>
          <nav className="tabs" aria-label="Administration">
            {PLACES.map(([id, path, label]) => <Link key={id} to={path} className="tab" {...(id === page ? { 'aria-current': 'page' as const } : {})}>{label}</Link>)}
          </nav>
          {page === 'users' && <Users me={me} />}
          {page === 'allWebhooks' && <Webhooks calls={OF_ALL} told="Programs of yours are told by HTTP of what happens in all channels and to all users" events="stream.* user.*" />}
        </main>
      ))}
    </Guard>
  );
}
