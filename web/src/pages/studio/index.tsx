import '../../styles/form.css';
import '../../styles/settings.css';
import '../../styles/studio.css';
import { useEffect } from 'react';
import type { Tab } from '../../route';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { Guard } from '../../ui/Guard';
import { Link } from '../../ui/Link';
import { State } from '../../ui/State';
import { Lost } from '../Lost';
import { Webhooks } from '../webhooks';
import { ofChannel } from '../webhooks/calls';
import { Channels } from './Channels';
import { atLeast, readChannel, type Channel, type Role } from './channel';
import { Details } from './Details';
import { History } from './History';
import { People } from './People';
import { Recordings } from './Recordings';
import { Restream } from './Restream';
import { Stream } from './Stream';

const PLACES: readonly (readonly [tab: Tab, label: string, least: Role])[] = [
  ['', 'Stream', 'moderator'],
  ['recordings', 'Recordings', 'moderator'],
  ['channel', 'Channel', 'manager'],
  ['people', 'People', 'moderator'],
  ['restream', 'Restream', 'manager'],
  ['webhooks', 'Webhooks', 'manager'],
  ['history', 'History', 'moderator'],
];

/** Where people go live: their channels, or one of them. */
export function Studio({ name, tab = '' }: { name?: string; tab?: Tab }) {
  return <Guard>{(me) => (name === undefined ? <Channels /> : <Desk me={me} name={name} tab={tab} />)}</Guard>;
}

function Desk({ me, name, tab }: { me: Own; name: string; tab: Tab }) {
  const asked = useAsked(() => readChannel(me, name), name);
  useEffect(() => { document.title = `${name} · Studio · weir`; }, [name]);
  if (asked.value === null) return <Lost />;
  if (asked.value === undefined) return <main id="main" className="page"><State of={asked} /></main>;
  const { channel, role } = asked.value;
  const places = PLACES.filter(([, , least]) => atLeast(role, least));
  if (!places.some(([place]) => place === tab)) return <Lost />;
  const changed = (next: Channel) => asked.put({ channel: next, role });
  return (
    <main id="main" className="page studio">
      <p className="studio-up"><Link to="/studio">Your channels</Link></p>
      <div className="studio-head">
        <h1>{channel.title || channel.name}</h1>
        <Link to={channel.watch} className="button button-compact">Watch page</Link>
      </div>
      <p className="quiet">{channel.name} · {channel.visibility}{channel.inside?.banned_at !== undefined && ' · banned'}</p>
      <nav className="tabs" aria-label="Channel">
        {places.map(([place, label]) => (
          <Link key={place} to={place === '' ? `/studio/${name}` : `/studio/${name}/${place}`} className="tab" {...(place === tab ? { 'aria-current': 'page' as const } : {})}>{label}</Link>
        ))}
      </nav>
      <div className="settings-body">
        {channel.inside?.banned_at !== undefined && <p className="notice" role="alert">This channel is banned and cannot go live: {channel.inside.ban_reason}</p>}
        {tab === '' && <Stream channel={channel} role={role} />}
        {tab === 'recordings' && <Recordings channel={channel} role={role} />}
        {tab === 'channel' && <Details me={me} channel={channel} role={role} changed={changed} />}
        {tab === 'people' && <People me={me} channel={channel} role={role} />}
        {tab === 'restream' && <Restream channel={channel} />}
        {tab === 'webhooks' && <Webhooks calls={ofChannel(channel.id)} told="Programs of yours are told by HTTP of what happens here" events="stream.* recording.*" />}
        {tab === 'history' && <History channel={channel} />}
      </div>
    </main>
  );
}
