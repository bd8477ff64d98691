import { useState } from 'react';
import { api, done } from '../../api/client';
import { Refusal, words } from '../../api/problem';
import { Check, Choice, Field, Text } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { navigate } from '../../router';
import type { Own } from '../../session/session';
import { languages } from '../../ui/choices';
import { Section } from '../../ui/Section';
import { at, atLeast, type Channel, type Role } from './channel';
import { changes, localTime, read } from './changes';

const SEEN_BY = [['public', 'Everybody: it is in the lists'], ['unlisted', 'Who knows the name'], ['private', 'Who works here, guests, and who has a share link']] as const;

interface Props {
  me: Own;
  channel: Channel;
  role: Role;
  changed: (next: Channel) => void;
}

/** What viewers are told, who they are, what may be sent, and the end of a channel. */
export function Details({ me, channel, role, changed }: Props) {
  const [round, setRound] = useState(0);
  const renew = async () => {
    changed(await done(api.GET('/api/v1/channels/{id}', at(channel.id))));
    setRound((n) => n + 1); // the fields begin anew
  };
  return (
    <>
      <Words key={round} channel={channel} changed={changed} renew={renew} />
      {me.role !== 'user' && <Moderation channel={channel} changed={changed} />}
      {atLeast(role, 'owner') && <Section title="Delete the channel" danger about="Its stream ends, its keys and its page are gone, for ever. Nobody gets the name again."><Delete channel={channel} /></Section>}
    </>
  );
}

const STALE = new Refusal(412, { detail: 'Somebody else changed this channel meanwhile, and nothing was saved' });

/** Saves what was changed here; what others changed meanwhile is not overwritten unasked. */
function Words({ channel, changed, renew }: Pick<Props, 'channel' | 'changed'> & { renew: () => Promise<void> }) {
  const [stale, setStale] = useState(false);
  const [failed, setFailed] = useState('');
  const save = async (v: FormData) => {
    const header = { 'If-Match': stale ? '*' : `"${channel.version}"` };
    try {
      changed(await done(api.PATCH('/api/v1/channels/{id}', { params: { path: { id: channel.id }, header }, body: changes(channel, read(v)) })));
      setStale(false);
    } catch (err) {
      if (!(err instanceof Refusal && err.status === 412)) throw err;
      setStale(true);
      throw STALE;
    }
  };
  return (
    <Form className="form-panels" submit={stale ? 'Save mine all the same' : 'Save'} onSend={save} done="Saved">
      <Section title="What viewers read"><Told channel={channel} /></Section>
      <Section title="Who watches, and what is kept"><Shown channel={channel} /></Section>
      <Section title="What may be sent" about="Who sends more is turned away, and told why. Empty: no limit of the channel’s own."><Limits channel={channel} /></Section>
      {stale && (
        <p className="quiet">
          <button type="button" className="textlink" onClick={() => { renew().catch((err: unknown) => setFailed(words(err))); }}>Show what it is now</button>, or save yours all the same: what you did not touch stays as they left it. {failed}
        </p>
      )}
    </Form>
  );
}

function Told({ channel }: { channel: Channel }) {
  return (
    <>
      <Field name="title" label="Title" defaultValue={channel.title} maxLength={140} hint={`Empty: ${channel.name}.`} />
      <Text name="description" label="Description" defaultValue={channel.description} max={5000} />
      <div className="pair">
        <Field name="category" label="Category" defaultValue={channel.category} maxLength={60} placeholder="Music" />
        <Field name="tags" label="Tags" defaultValue={(channel.tags ?? []).join(' ')} maxLength={320} autoCapitalize="none" hint="At most 10 words, with spaces between them." />
      </div>
      <div className="pair">
        <Choice name="language" label="Language" defaultValue={channel.language} options={languages(channel.language)} />
        <Field name="scheduled_at" type="datetime-local" label="Next stream" defaultValue={localTime(channel.scheduled_at)} hint="In your time zone. Empty: not planned." />
      </div>
      <Check name="mature" label="For adults only" defaultChecked={channel.mature} />
    </>
  );
}

const shown = (value = 0, unit = 1): string => (value > 0 ? String(value / unit) : '');

function Shown({ channel }: { channel: Channel }) {
  return (
    <>
      <Choice name="visibility" label="Who can watch" defaultValue={channel.visibility} options={SEEN_BY} />
      <Check name="record" label="Record the streams" defaultChecked={channel.inside?.record ?? false} />
      <div className="pair">
        <Field name="keep.days" type="number" min={0} label="Keep recordings for so many days" defaultValue={shown(channel.inside?.keep.days)} hint="Empty: as long as the server keeps them." />
        <Field name="keep.bytes" type="number" inputMode="decimal" min={0} step="any" label="Keep so many GB" defaultValue={shown(channel.inside?.keep.bytes, 1e9)} hint="The oldest go first, clips last." />
      </div>
      <Check name="takeover" label="A second encoder takes over from the first, instead of being turned away" defaultChecked={channel.inside?.takeover ?? false} />
    </>
  );
}

function Limits({ channel }: { channel: Channel }) {
  const l = channel.inside?.limits;
  return (
    <div className="limits">
      <Field name="limits.bitrate" type="number" inputMode="decimal" min={0} step="any" label="Mbit/s" defaultValue={shown(l?.bitrate, 1e6)} />
      <Field name="limits.height" type="number" min={0} label="Lines, such as 1080" defaultValue={shown(l?.height)} />
      <Field name="limits.fps" type="number" min={0} label="Frames per second" defaultValue={shown(l?.fps)} />
      <Field name="limits.duration" type="number" inputMode="decimal" min={0} step="any" label="Hours on end" defaultValue={shown(l?.duration, 3600)} />
    </div>
  );
}

function Moderation({ channel, changed }: Pick<Props, 'channel' | 'changed'>) {
  const banned = channel.inside?.banned_at !== undefined;
  const ban = async (v: FormData) => changed(await done(api.PUT('/api/v1/channels/{id}/ban', { ...at(channel.id), body: { reason: text(v, 'reason').trim() } })));
  const lift = async () => changed(await done(api.DELETE('/api/v1/channels/{id}/ban', at(channel.id))));
  return (
    <Section title="Moderation" about="A ban ends the stream, hides the channel, and keeps it off the air until it is lifted.">
      {banned
        ? <Form submit="Lift the ban" onSend={lift} />
        : <Form submit={`Ban ${channel.name}`} danger onSend={ban}><Field name="reason" label="Why (the owner reads it)" maxLength={500} required /></Form>}
    </Section>
  );
}

function Delete({ channel }: { channel: Channel }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return <button type="button" className="button button-danger" onClick={() => setAsked(true)}>Delete the channel…</button>;
  const send = async () => {
    await done(api.DELETE('/api/v1/channels/{id}', at(channel.id)));
    navigate('/studio', true);
  };
  return (
    <Form submit={`Delete ${channel.name} for ever`} danger onSend={send}>
      <button type="button" className="textlink" autoFocus onClick={() => setAsked(false)}>Keep the channel</button>
    </Form>
  );
}
