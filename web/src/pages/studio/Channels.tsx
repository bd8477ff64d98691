import { useEffect } from 'react';
import { api, done } from '../../api/client';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { liveFor } from '../../format';
import { navigate } from '../../router';
import { usePolled } from '../../ui/asked';
import { useNow } from '../../ui/clock';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { onAir, stateOf, type Channel, type Session } from './channel';

const ASK_EVERY_MS = 10_000;
const LOOKED_AT = 20; // as many as a user may own; those beyond do not tell whether they are live

async function read(): Promise<{ channel: Channel; session: Session | null }[]> {
  const mine = (await done(api.GET('/api/v1/channels/mine', { params: { query: { limit: 100 } } }))).items ?? [];
  return Promise.all(mine.map(async (channel, i) => ({ channel, session: i < LOOKED_AT ? await onAir(channel.id) : null })));
}

/** The channels that one owns or works for, and a new one. */
export function Channels() {
  const list = usePolled(read, ASK_EVERY_MS);
  const now = useNow(5_000);
  useEffect(() => { document.title = 'Studio · weir'; }, []);
  return (
    <main id="main" className="page studio">
      <h1>Go live</h1>
      <p className="quiet studio-about">A channel is a name that you publish under, with keys for your encoder, and a page where people watch.</p>
      <div className="settings-body">
        {list.value === undefined && <State of={list} />}
        {list.value !== undefined && list.value.length > 0 && (
          <ul className="rows panel panel-rows" aria-label="Your channels">
            {list.value.map(({ channel, session }) => <Row key={channel.id} channel={channel} session={session} now={now} />)}
          </ul>
        )}
        {list.value !== undefined && <Make first={list.value.length === 0} />}
      </div>
    </main>
  );
}

function Row({ channel, session, now }: { channel: Channel; session: Session | null; now: number }) {
  const since = session?.started_at;
  return (
    <li className="row">
      <span className="row-main">
        <strong><Link to={`/studio/${channel.name}`}>{channel.title || channel.name}</Link></strong>{' '}
        {session !== null && <span className={stateOf(session).badge}>{stateOf(session).label}</span>}{' '}
        {channel.visibility !== 'public' && <span className="badge">{channel.visibility}</span>} {channel.inside?.banned_at !== undefined && <span className="badge badge-live">Banned</span>}
        <span className="row-facts">
          {channel.name}
          {since !== undefined && <> · {liveFor(Date.parse(since), now)}</>}
          {session === null && channel.scheduled_at !== undefined && Date.parse(channel.scheduled_at) > now && <> · next <Day at={channel.scheduled_at} time /></>}
        </span>
      </span>
      <Link to={`/studio/${channel.name}`} className="button button-compact" aria-label={`Open ${channel.name}`}>Open</Link>
    </li>
  );
}

async function make(v: FormData): Promise<void> {
  const made = await done(api.POST('/api/v1/channels', { body: { name: text(v, 'name').trim(), title: text(v, 'title').trim() } }));
  navigate(`/studio/${made.name}`);
}

function Make({ first }: { first: boolean }) {
  return (
    <Section title={first ? 'Make your first channel' : 'Make a channel'}>
      <Form submit="Make the channel" onSend={make}>
        <div className="pair">
          <Field name="name" label="Name" maxLength={63} autoCapitalize="none" spellCheck={false} required placeholder="studio" hint="Its address, /watch/NAME: small letters, digits, “-” and “_”. It cannot be changed, and nobody else gets it." />
          <Field name="title" label="Title" maxLength={140} hint="What viewers read. You can change it at any time." />
        </div>
      </Form>
    </Section>
  );
}
