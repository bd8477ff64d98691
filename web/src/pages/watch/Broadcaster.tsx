import '../../styles/broadcaster.css';
import { useEffect, useState } from 'react';
import { api, done, open } from '../../api/client';
import { Refusal } from '../../api/problem';
import type { components } from '../../api/schema';
import { people } from '../../format';
import { wasSignedIn } from '../../session/hint';
import { useWho } from '../../session/who';
import { useAsked } from '../../ui/asked';
import { Avatar } from '../../ui/Avatar';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { Follow } from '../profile/Follow';
import { Past } from './Past';

type Channel = components['schemas']['View'];
type User = components['schemas']['Public'];

interface Told {
  channel: Channel;
  /** It may be watched, and no more: by a link, or as a guest. */
  watched: boolean;
  /** Null for a channel of the operator's, and when the account is gone. */
  owner: User | null;
}

/** A channel as who looks may see it; null where that is nothing. */
async function seen(name: string): Promise<Channel | null> {
  try {
    const client = wasSignedIn() ? api : open; // nobody's token is not worth asking for
    return await done(client.GET('/api/v1/channels/by-name/{name}', { params: { path: { name } } }));
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

async function read(name: string, opened: Channel | null): Promise<Told | null> {
  const own = opened === null || wasSignedIn() ? await seen(name) : null;
  const channel = own ?? opened;
  if (channel === null) return null;
  const id = channel.owner_id;
  const owner = id === undefined ? null : await done(open.GET('/api/v1/users/{id}', { params: { path: { id } } })).catch(() => null);
  return { channel, watched: own === null, owner };
}

interface Props {
  name: string;
  /** What a pass opens; null without one. */
  opened: Channel | null;
  live: boolean;
  now: number;
  /** Hears whether the name is a channel that who looks may know of. */
  onTold: (known: boolean) => void;
}

/** Whose channel it is, and what they tell of it; nothing where the name is nobody's. */
export function Broadcaster({ name, opened, live, now, onTold }: Props) {
  const told = useAsked(() => read(name, opened), `${name} ${opened?.version ?? ''}`).value;
  const known = told !== undefined && told !== null;
  useEffect(() => onTold(known), [onTold, known]);
  if (!known) return null;
  const { channel, watched, owner } = told;
  const next = channel.scheduled_at !== undefined && Date.parse(channel.scheduled_at) > now ? channel.scheduled_at : null;
  return (
    <>
      <section className="broadcaster" aria-label="Channel">
        {owner !== null && <Owner key={owner.id} user={owner} />}
        {!live && next !== null && <p>Next stream: <strong><Day at={next} time /></strong></p>}
        {!live && channel.title !== '' && <p className="broadcaster-title">{channel.title}</p>}
        {channel.description !== '' && <p className="broadcaster-words">{channel.description}</p>}
        {(channel.tags ?? []).length > 0 && <ul className="broadcaster-tags" aria-label="Tags">{channel.tags?.map((t) => <li key={t}>{t}</li>)}</ul>}
        {channel.inside !== undefined && <p><Link to={`/studio/${name}`}>Open this channel in the studio</Link></p>}
      </section>
      {watched && <p className="watched quiet">This channel is not public, and you may watch it: by your link, or as a guest.</p>}
      <Past channel={channel.id} name={name} visibility={channel.visibility} />
    </>
  );
}

function Owner({ user }: { user: User }) {
  const who = useWho();
  const [followers, setFollowers] = useState(user.followers);
  return (
    <div className="broadcaster-owner">
      <Avatar user={user} size={40} />
      <span className="broadcaster-name">
        <Link to={`/u/${user.username}`}>{user.display_name || user.username}</Link>
        <span className="quiet">{people(followers, 'follower')}</span>
      </span>
      {who?.id !== user.id && <Follow id={user.id} name={user.display_name || user.username} changed={(by) => setFollowers((n) => Math.max(0, n + by))} />}
    </div>
  );
}
