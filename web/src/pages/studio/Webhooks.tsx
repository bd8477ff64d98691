import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Made } from '../../ui/Made';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';
import { Deliveries } from './Deliveries';

type Webhook = components['schemas']['Endpoint'];

/** Who else is told of what happens in a channel. */
export function Webhooks({ channel }: { channel: Channel }) {
  const list = useAsked(async () => (await done(api.GET('/api/v1/channels/{id}/webhooks', at(channel.id)))).items ?? [], channel.id);
  const [made, setMade] = useState('');
  const show = (secret: string) => {
    setMade(secret);
    list.again();
  };
  const create = async (v: FormData) => {
    const body = { url: text(v, 'url').trim(), types: text(v, 'types').split(/[\s,]+/).filter(Boolean) };
    show((await done(api.POST('/api/v1/channels/{id}/webhooks', { ...at(channel.id), body }))).secret);
  };
  return (
    <Section title="Webhooks" about={<>Programs of yours are told by HTTP of what happens here, signed as <a href="https://www.standardwebhooks.com" rel="noreferrer">Standard Webhooks</a> say.</>}>
      {made !== '' && <Made what="secret" secret={made} seen={() => setMade('')} />}
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet.</p>}
      <ul className="rows">{list.value?.map((w) => <Row key={w.id} channel={channel} webhook={w} changed={list.again} show={show} />)}</ul>
      <Form submit="Add it" onSend={create} clear>
        <div className="pair">
          <Field name="url" type="url" label="Address" maxLength={2048} required placeholder="https://example.org/hook" />
          <Field name="types" label="Events" maxLength={400} autoCapitalize="none" spellCheck={false} placeholder="stream.* recording.*" hint="With spaces between them. Empty: all." />
        </div>
      </Form>
    </Section>
  );
}

interface RowProps {
  channel: Channel;
  webhook: Webhook;
  changed: () => void;
  show: (secret: string) => void;
}

function Row({ channel, webhook: w, changed, show }: RowProps) {
  const [log, setLog] = useState(false);
  const [said, setSaid] = useState('');
  const path = { params: { path: { id: channel.id, webhook: w.id } } };
  const run = (work: Promise<unknown>, worked = '') => {
    setSaid('');
    work.then(() => { setSaid(worked); changed(); }, (err: unknown) => setSaid(words(err)));
  };
  const turn = () => run(done(api.PATCH('/api/v1/channels/{id}/webhooks/{webhook}', { params: { ...path.params, header: { 'If-Match': `"${w.version}"` } }, body: { enabled: !w.enabled } })));
  const rotate = () => run(done(api.POST('/api/v1/channels/{id}/webhooks/{webhook}/rotate', path)).then((next) => show(next.secret)));
  const ping = () => run(done(api.POST('/api/v1/channels/{id}/webhooks/{webhook}/ping', path)), 'A test is on its way: see the log.');
  return (
    <li className="recording">
      <div className="row row-wrap">
        <span className="row-main">
          <strong>{w.url}</strong> {!w.enabled && <span className="badge">Off</span>} {w.enabled && w.failing_since !== undefined && <span className="badge badge-live">Failing</span>}
          <span className="row-facts">{(w.types ?? []).join(', ') || 'all events'} · since <Day at={w.created_at} />{w.failing_since !== undefined && <> · nothing delivered since <Day at={w.failing_since} time /></>}</span>
          {w.off_reason !== undefined && <span className="row-facts">Turned off: {w.off_reason}</span>}
        </span>
        <span className="row-tools">
          <button type="button" className="button button-compact" onClick={ping} disabled={!w.enabled}>Test</button>
          <button type="button" className="button button-compact" aria-expanded={log} onClick={() => setLog(!log)}>Log</button>
          <button type="button" className="button button-compact" onClick={turn}>{w.enabled ? 'Turn off' : 'Turn on'}</button>
          <Sure label="New secret" sure="Make a new secret" onSure={rotate}>The old one signs too for a day.</Sure>
          <Sure label="Delete" name={`Delete ${w.url}`} sure="Delete it" onSure={() => run(done(api.DELETE('/api/v1/channels/{id}/webhooks/{webhook}', path)))}>Its log goes too.</Sure>
        </span>
      </div>
      {said !== '' && <p className="quiet" role="status">{said}</p>}
      {log && <Deliveries channel={channel.id} webhook={w.id} />}
    </li>
  );
}
