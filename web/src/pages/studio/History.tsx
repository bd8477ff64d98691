import { useState } from 'react';
import { api, done } from '../../api/client';
import { sentence, words } from '../../api/problem';
import { duration, people, resolution } from '../../format';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { at, stateOf, type Channel, type Session } from './channel';
import { figures } from './figures';

const PAGE = 20;

async function read(id: string, after = '') {
  const page = await done(api.GET('/api/v1/channels/{id}/sessions', { params: { path: { id }, query: { limit: PAGE, ...(after && { after }) } } }));
  return { sessions: page.items ?? [], next: page.next ?? '' };
}

/** What was on the air, and who was turned away. */
export function History({ channel }: { channel: Channel }) {
  return (
    <>
      <Section title="Streams"><Sessions channel={channel} /></Section>
      <Section title="Turned away" about="Encoders that came with a key of this channel and were not let in, and why."><Refusals channel={channel} /></Section>
    </>
  );
}

function Sessions({ channel }: { channel: Channel }) {
  const list = useAsked(() => read(channel.id), channel.id);
  const [failed, setFailed] = useState('');
  const { value } = list;
  if (value === undefined) return <State of={list} />;
  if (value.sessions.length === 0) return <p className="quiet">Nothing yet. What goes on the air is listed here, with its figures.</p>;
  const more = () => {
    read(channel.id, value.next).then((page) => list.put({ sessions: [...value.sessions, ...page.sessions], next: page.next }), (err: unknown) => setFailed(words(err)));
  };
  return (
    <>
      <ul className="rows">{value.sessions.map((s) => <Row key={s.id} session={s} />)}</ul>
      {value.next !== '' && <p className="fact"><button type="button" className="button" onClick={more}>Show more</button></p>}
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </>
  );
}

function Row({ session: s }: { session: Session }) {
  const long = s.ended_at === undefined ? '' : duration(Date.parse(s.ended_at) - Date.parse(s.began_at));
  const from = [s.encoder, s.protocol.toUpperCase()].filter(Boolean).join(' by ');
  return (
    <li className="row">
      <span className="row-main">
        <strong><Day at={s.began_at} time /></strong> {s.state !== 'ended' && <span className={stateOf(s).badge}>{stateOf(s).label}</span>}{s.title !== '' && <> {s.title}</>}
        <span className="row-facts">{[long, from, resolution(s.source.width ?? 0, s.source.height ?? 0), ...figures(s.stats)].filter(Boolean).join(' · ')}</span>
        {s.end_reason !== undefined && <span className="row-facts">Ended: {sentence(s.end_reason)}</span>}
      </span>
    </li>
  );
}

function Refusals({ channel }: { channel: Channel }) {
  const list = useAsked(async () => (await done(api.GET('/api/v1/channels/{id}/refusals', at(channel.id)))).items ?? [], channel.id);
  if (list.value === undefined) return <State of={list} />;
  if (list.value.length === 0) return <p className="quiet">Nobody.</p>;
  return (
    <ul className="rows">
      {list.value.map((r) => (
        <li className="row" key={`${r.code} ${r.address} ${r.first_at}`}>
          <span className="row-main">
            <strong>{sentence(r.words)}</strong>
            <span className="row-facts">{people(r.times, 'time')}, last <Day at={r.last_at} time /> · {r.protocol.toUpperCase()} from {r.address}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
