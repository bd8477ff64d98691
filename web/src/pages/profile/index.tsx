import '../../styles/form.css';
import '../../styles/profile.css';
import { useEffect } from 'react';
import { done, open } from '../../api/client';
import { Refusal } from '../../api/problem';
import type { components } from '../../api/schema';
import { people } from '../../format';
import { useWho } from '../../session/who';
import { Avatar } from '../../ui/Avatar';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { State } from '../../ui/State';
import { Lost } from '../Lost';
import { Channels } from './Channels';
import { Follow } from './Follow';
import { Links } from './Links';

type Public = components['schemas']['Public'];

async function read(username: string): Promise<Public | null> {
  try {
    return await done(open.GET('/api/v1/users/by-name/{username}', { params: { path: { username } } }));
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

/** A user, as everybody sees them. */
export function Profile({ name }: { name: string }) {
  const asked = useAsked(() => read(name), name);
  const user = asked.value;
  useEffect(() => { document.title = `${user?.display_name || name} · weir`; }, [user, name]);
  if (user === null) return <Lost title="Nobody here has this name" words="It may be misspelt, or the account is gone." />;
  if (user === undefined) return <main id="main" className="page"><State of={asked} /></main>;
  return (
    <main id="main" className="page profile">
      {user.banner_url === undefined ? <div className="profile-banner" /> : <img className="profile-banner" src={user.banner_url} alt="" />}
      <Head user={user} counted={(followers) => asked.put({ ...user, followers })} />
      {user.bio !== '' && <p className="profile-bio">{user.bio}</p>}
      <Links links={user.links ?? []} />
      <Channels owner={user.id} />
    </main>
  );
}

function Head({ user, counted }: { user: Public; counted: (followers: number) => void }) {
  const who = useWho();
  return (
    <div className="profile-head">
      <Avatar user={user} size={112} />
      <div className="profile-words">
        <h1>{user.display_name || user.username}</h1>
        <p className="quiet">@{user.username} · {people(user.followers, 'follower')} · here since <Day at={user.created_at} /></p>
      </div>
      {who?.id === user.id
        ? <Link to="/settings" className="button">Change your profile</Link>
        : <Follow id={user.id} name={user.display_name || user.username} changed={(by) => counted(Math.max(0, user.followers + by))} />}
    </div>
  );
}
