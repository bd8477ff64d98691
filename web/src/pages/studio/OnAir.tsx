import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { useStreams } from '../../api/streams';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { liveFor, people } from '../../format';
import { Player } from '../../player/Player';
import { navigate } from '../../router';
import { useNow } from '../../ui/clock';
import { Day } from '../../ui/Day';
import { Section } from '../../ui/Section';
import { at, stateOf, type Channel, type Session } from './channel';
import type { Health } from './health';

const ASK_EVERY_MS = 5_000;

/** Whether the channel is on the air, how it does, and the end of it. */
export function OnAir({ channel, session, heard, ended }: { channel: Channel; session: Session | null; heard: Health | null; ended: () => void }) {
  const now = useNow(2_000);
  const state = stateOf(session);
  return (
    <Section title="On the air">
      <p className="fact" role="status">
        <span className={state.badge}>{state.label}</span>
        {session?.started_at !== undefined && <span>{liveFor(Date.parse(session.started_at), now)}</span>}
        {session === null && <span className="quiet">It begins as soon as your encoder sends.{channel.scheduled_at !== undefined && Date.parse(channel.scheduled_at) > now && <> Planned for <Day at={channel.scheduled_at} time />.</>}</span>}
        {session?.state === 'reconnecting' && <span className="quiet">The encoder has dropped, and is waited for.</span>}
      </p>
      {session !== null && <Running channel={channel} session={session} heard={heard} ended={ended} />}
    </Section>
  );
}

function Running({ channel, session, heard, ended }: { channel: Channel; session: Session; heard: Health | null; ended: () => void }) {
  const { streams } = useStreams(ASK_EVERY_MS, session.state);
  const stream = streams?.find((s) => s.name === channel.name);
  const viewers = heard?.viewers ?? stream?.viewers; // the list has only what is public
  const facts = [
    viewers === undefined ? '' : people(viewers, 'viewer'),
    [session.encoder, session.protocol.toUpperCase()].filter(Boolean).join(' by '),
  ].filter(Boolean);
  return (
    <>
      <ul className="facts" aria-label="Figures">{facts.map((f) => <li key={f}>{f}</li>)}</ul>
      {session.state !== 'starting' && <Preview channel={channel} listed={streams && stream !== undefined} renditions={stream?.renditions ?? []} measured={stream?.bitrate ?? 0} />}
      {session.state === 'live' && <ClipNow channel={channel} />}
      <End channel={channel} ended={ended} />
    </>
  );
}

const ignore = () => {};

/** What viewers see, without sound. */
function Preview({ channel, listed, renditions, measured }: { channel: Channel; listed: boolean | null; renditions: string[]; measured: number }) {
  const [open, setOpen] = useState(false);
  return (
    <div className="preview">
      <button type="button" className="button" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? 'Close the preview' : 'Look at what viewers see'}</button>
      {open && <Player name={channel.name} listed={listed} renditions={renditions} measured={measured} onPhase={ignore} />}
    </div>
  );
}

const CLIP_S = 30;

/** Keeps what was just on the air. */
function ClipNow({ channel }: { channel: Channel }) {
  const [said, setSaid] = useState('');
  const clip = () => {
    setSaid('');
    done(api.POST('/api/v1/channels/{id}/clips', { ...at(channel.id), body: { start: -CLIP_S, length: CLIP_S } }))
      .then((made) => navigate(`/replay/${made.id}`), (err: unknown) => setSaid(words(err)));
  };
  return <p className="fact"><button type="button" className="button" onClick={clip}>Clip the last {CLIP_S} seconds</button> {said !== '' && <span className="form-failed" role="alert">{said}</span>}</p>;
}

function End({ channel, ended }: { channel: Channel; ended: () => void }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return <p className="fact"><button type="button" className="button button-danger" onClick={() => setAsked(true)}>End the stream…</button></p>;
  const send = async (v: FormData) => {
    await done(api.POST('/api/v1/channels/{id}/end', { ...at(channel.id), body: { reason: text(v, 'reason').trim() } }));
    setAsked(false);
    ended();
  };
  return (
    <Form submit="End it now" danger onSend={send}>
      <Field name="reason" label="What the encoder is told" maxLength={200} placeholder="ended by the channel" autoFocus hint="The encoder is sent away. Most try again by themselves: stop it too, or revoke its key." />
      <button type="button" className="textlink" onClick={() => setAsked(false)}>Go on streaming</button>
    </Form>
  );
}
