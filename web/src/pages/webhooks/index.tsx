import { useState } from 'react';
import { words } from '../../api/problem';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Made } from '../../ui/Made';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import type { Calls, Webhook } from './calls';
import { Deliveries } from './Deliveries';

/** Who else is told of what happens, in a channel or everywhere. */
export function Webhooks({ calls, told, events }: { calls: Calls; told: string; events: string }) {
  const list = useAsked(calls.list, calls.place);
  const [made, setMade] = useState('');
  const show = (secret: string) => {
    setMade(secret);
    list.again();
  };
  const create = async (v: FormData) => {
    show(await calls.create(text(v, 'url').trim(), text(v, 'types').split(/[\s,]+/).filter(Boolean)));
  };
  return (
    <Section title="Webhooks" about={<>{told}, signed as <a href="https://www.standardwebhooks.com" rel="noreferrer">Standard Webhooks</a> say.</>}>
      {made !== '' && <Made what="secret" secret={made} seen={() => setMade('')} />}
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet.</p>}
      <ul className="rows">{list.value?.map((w) => <Row key={w.id} calls={calls} webhook={w} changed={list.again} show={show} />)}</ul>
      <Form submit="Add it" onSend={create} clear>
        <div className="pair">
          <Field name="url" type="url" label="Address" maxLength={2048} required placeholder="https://example.org/hook" />
          <Field name="types" label="Events" maxLength={400} autoCapitalize="none" spellCheck={false} placeholder={events} hint="With spaces between them. Empty: all." />
        </div>
      </Form>
    </Section>
  );
}

interface RowProps {
  calls: Calls;
  webhook: Webhook;
  changed: () => void;
  show: (secret: string) => void;
}

function Row({ calls, webhook: w, changed, show }: RowProps) {
  const [log, setLog] = useState(false);
  const [said, setSaid] = useState('');
  const run = (work: Promise<unknown>, worked = '') => {
    setSaid('');
    work.then(() => { setSaid(worked); changed(); }, (err: unknown) => setSaid(words(err)));
  };
  const turn = () => run(calls.turn(w));
  const rotate = () => run(calls.rotate(w).then(show));
  const ping = () => run(calls.ping(w), 'A test is on its way: see the log.');
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
          <Sure label="Delete" name={`Delete ${w.url}`} sure="Delete it" onSure={() => run(calls.remove(w))}>Its log goes too.</Sure>
        </span>
      </div>
      {said !== '' && <p className="quiet" role="status">{said}</p>}
      {log && <Deliveries calls={calls} webhook={w} />}
    </li>
  );
}
