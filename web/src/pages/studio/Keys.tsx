import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Choice, Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { usePolled } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Made } from '../../ui/Made';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';
import { inDays, LIVES } from './lives';

type Key = components['schemas']['Key'];

/** A key tells when it was used last. */
const ASK_EVERY_MS = 10_000;

const nameOf = (k: Key): string => k.label || 'without a name';

/** The stream keys of a channel; a new one is shown once. */
export function Keys({ channel }: { channel: Channel }) {
  const list = usePolled(async () => (await done(api.GET('/api/v1/channels/{id}/keys', at(channel.id)))).items ?? [], ASK_EVERY_MS, channel.id);
  const [made, setMade] = useState('');
  const [failed, setFailed] = useState('');
  const show = (key: string) => {
    setMade(key);
    list.again();
  };
  const run = (work: Promise<unknown>) => {
    setFailed('');
    work.catch((err: unknown) => setFailed(words(err))).finally(list.again);
  };
  const path = (k: Key) => ({ params: { path: { id: channel.id, key: k.id } } });
  const rotate = (k: Key) => run(done(api.POST('/api/v1/channels/{id}/keys/{key}/rotate', path(k))).then((next) => show(next.stream_key)));
  const revoke = (k: Key) => run(done(api.DELETE('/api/v1/channels/{id}/keys/{key}', path(k))));
  return (
    <Section title="Stream keys" about="Who has a key can publish as this channel. Give each encoder its own, so that one can be revoked without the others.">
      {made !== '' && <Made what="stream key" secret={made} seen={() => setMade('')} />}
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet: make one for your encoder.</p>}
      <ul className="rows">
        {list.value?.map((k) => (
          <li className="row row-wrap" key={k.id}>
            <span className="row-main">
              <strong>Key {nameOf(k)}</strong>
              <span className="row-facts">
                made <Day at={k.created_at} />{k.expires_at !== undefined && <> · until <Day at={k.expires_at} time /></>} · {k.used_at === undefined ? 'never used' : <>last used <Day at={k.used_at} time /></>}
              </span>
            </span>
            <span className="row-tools">
              <Sure label="Replace" name={`Replace the key ${nameOf(k)}`} sure="Replace it" onSure={() => rotate(k)}>Who publishes with the old key is sent away.</Sure>
              <Sure label="Revoke" name={`Revoke the key ${nameOf(k)}`} sure="Revoke it" onSure={() => revoke(k)}>Who publishes with it is sent away.</Sure>
            </span>
          </li>
        ))}
      </ul>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      {list.value !== undefined && <Make channel={channel} made={show} />}
    </Section>
  );
}

function Make({ channel, made }: { channel: Channel; made: (secret: string) => void }) {
  const send = async (v: FormData) => {
    const body = { label: text(v, 'label').trim(), ...inDays(text(v, 'life')) };
    made((await done(api.POST('/api/v1/channels/{id}/keys', { ...at(channel.id), body }))).stream_key);
  };
  return (
    <Form submit="Make a key" onSend={send} clear>
      <div className="pair">
        <Field name="label" label="What it is for" maxLength={60} placeholder="OBS in the studio" />
        <Choice name="life" label="How long it lasts" options={LIVES} />
      </div>
    </Form>
  );
}
