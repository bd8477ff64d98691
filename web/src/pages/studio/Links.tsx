import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Choice, Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Made } from '../../ui/Made';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';
import { inDays, LIVES } from './lives';

/** Links with which people watch a channel that is not public. */
export function Links({ channel }: { channel: Channel }) {
  const list = useAsked(async () => (await done(api.GET('/api/v1/channels/{id}/links', at(channel.id)))).items ?? [], channel.id);
  const [made, setMade] = useState('');
  const [failed, setFailed] = useState('');
  const revoke = (link: string) => {
    setFailed('');
    done(api.DELETE('/api/v1/channels/{id}/links/{link}', { params: { path: { id: channel.id, link } } })).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  const show = (watch: string) => {
    setMade(`${location.origin}${watch}`);
    list.again();
  };
  return (
    <Section title="Share links" about="Whoever has such a link can watch, until it ends or is revoked.">
      {made !== '' && <Made what="link" secret={made} seen={() => setMade('')} />}
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet.</p>}
      <ul className="rows">
        {list.value?.map((l) => (
          <li className="row row-wrap" key={l.id}>
            <span className="row-main">
              <strong>Link {l.label || 'without a name'}</strong>
              <span className="row-facts">
                made <Day at={l.created_at} />{l.expires_at !== undefined && <> · until <Day at={l.expires_at} time /></>}{l.network !== undefined && ` · at ${l.network} only`} · {l.used_at === undefined ? 'never used' : <>last used <Day at={l.used_at} time /></>}
              </span>
            </span>
            <Sure label="Revoke" name={`Revoke the link ${l.label || 'without a name'}`} sure="Revoke it" onSure={() => revoke(l.id)}>Who watches by it is sent away.</Sure>
          </li>
        ))}
      </ul>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      <Make channel={channel} made={show} />
    </Section>
  );
}

function Make({ channel, made }: { channel: Channel; made: (watch: string) => void }) {
  const send = async (v: FormData) => {
    const network = text(v, 'network').trim();
    const body = { label: text(v, 'label').trim(), ...inDays(text(v, 'life')), ...(network !== '' && { network }) };
    made((await done(api.POST('/api/v1/channels/{id}/links', { ...at(channel.id), body }))).watch);
  };
  return (
    <Form submit="Make a link" onSend={send} clear>
      <div className="pair">
        <Field name="label" label="Who it is for" maxLength={60} placeholder="the press" />
        <Choice name="life" label="How long it lasts" options={LIVES} />
      </div>
      <Field name="network" label="Only from" maxLength={50} autoCapitalize="none" spellCheck={false} placeholder="192.0.2.0/24" hint="An address or a network. Empty: from everywhere." />
    </Form>
  );
}
