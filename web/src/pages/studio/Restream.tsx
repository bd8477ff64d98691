import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { bitrate, fileSize, people } from '../../format';
import { usePolled } from '../../ui/asked';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';

type Target = components['schemas']['Target'];
type Status = components['schemas']['TargetStatus'];

const ASK_EVERY_MS = 3_000;

/** Other servers that the streams of a channel are sent on to. */
export function Restream({ channel }: { channel: Channel }) {
  const list = usePolled(async () => (await done(api.GET('/api/v1/channels/{id}/targets', at(channel.id)))).items ?? [], ASK_EVERY_MS, channel.id);
  const create = async (v: FormData) => {
    const body = { label: text(v, 'label').trim(), url: text(v, 'url').trim(), stream_key: text(v, 'stream_key').trim() };
    await done(api.POST('/api/v1/channels/{id}/targets', { ...at(channel.id), body }));
    list.again();
  };
  return (
    <Section title="Restream" about="Your stream is sent on to other servers as it comes in, while it is on the air. One that fails is tried again, and disturbs nothing here.">
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet.</p>}
      <ul className="rows">{list.value?.map((t) => <Row key={t.id} channel={channel} target={t} changed={list.again} />)}</ul>
      <Form submit="Add it" onSend={create} clear>
        <Field name="label" label="Name" maxLength={60} required placeholder="Big site" />
        <div className="pair">
          <Field name="url" label="Address" maxLength={2048} required autoCapitalize="none" spellCheck={false} placeholder="rtmps://live.example.org/app" hint="Without the key." />
          <Password name="stream_key" label="Stream key there" autoComplete="off" required hint="Kept sealed, and never shown again." />
        </div>
      </Form>
    </Section>
  );
}

function Row({ channel, target: t, changed }: { channel: Channel; target: Target; changed: () => void }) {
  const [failed, setFailed] = useState('');
  const path = { params: { path: { id: channel.id, target: t.id } } };
  const run = (work: Promise<unknown>) => {
    setFailed('');
    work.then(changed, (err: unknown) => setFailed(words(err)));
  };
  const turn = () => run(done(t.enabled ? api.POST('/api/v1/channels/{id}/targets/{target}/stop', path) : api.POST('/api/v1/channels/{id}/targets/{target}/start', path)));
  const state = stateOf(t);
  return (
    <li className="recording">
      <div className="row row-wrap">
        <span className="row-main">
          <strong>{t.label}</strong> <span className={state.badge}>{state.label}</span>
          <span className="row-facts">{[t.url, ...(t.status === undefined ? [] : sent(t.status))].join(' · ')}</span>
          {t.status?.error !== undefined && <span className="row-facts">{t.status.error}</span>}
          {t.status?.note !== undefined && <span className="row-facts">{t.status.note}</span>}
        </span>
        <span className="row-tools">
          <button type="button" className="button button-compact" onClick={turn}>{t.enabled ? 'Stop' : 'Start'}</button>
          <Sure label="Delete" name={`Delete ${t.label}`} sure="Delete it" onSure={() => run(done(api.DELETE('/api/v1/channels/{id}/targets/{target}', path)))}>Its key is forgotten.</Sure>
        </span>
      </div>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </li>
  );
}

const LABELS: Record<Status['state'], string> = { connecting: 'Connecting', sending: 'Sending', waiting: 'Waits to try again', refused: 'Cannot be sent', ended: 'Ended' };

function stateOf(t: Target): { label: string; badge: string } {
  if (!t.enabled) return { label: 'Off', badge: 'badge' };
  if (t.status === undefined) return { label: 'Ready', badge: 'badge' };
  return { label: LABELS[t.status.state], badge: t.status.state === 'sending' ? 'badge badge-good' : 'badge' };
}

/** What was sent, without what is nothing. */
function sent(s: Status): string[] {
  return [
    s.bitrate > 0 ? bitrate(s.bitrate) : '', s.bytes > 0 ? fileSize(s.bytes) : '',
    s.dropped > 0 ? people(s.dropped, 'dropped packet') : '',
    s.tries > 1 ? people(s.tries, 'connection') : '',
  ].filter(Boolean);
}
