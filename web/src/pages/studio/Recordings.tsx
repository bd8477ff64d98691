import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { at, recordings, titleOf, type Recording } from '../../api/recordings';
import { Field, Text } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { clock, fileSize } from '../../format';
import { usePolled } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { RecordingThumb } from '../../ui/RecordingCard';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { useVod } from '../../ui/vod';
import { atLeast, type Channel, type Role } from './channel';

const ASK_EVERY_MS = 5_000;
const PAGE = 25;

/** What is kept of a channel's streams. */
export function Recordings({ channel, role }: { channel: Channel; role: Role }) {
  const place = useVod(channel.name, channel.visibility);
  const [size, setSize] = useState(PAGE);
  const list = usePolled(() => recordings(channel.id, size), ASK_EVERY_MS, `${channel.id} ${size}`);
  const [failed, setFailed] = useState('');
  const items = (list.value ?? list.last)?.items;
  const remove = (r: Recording) => {
    setFailed('');
    done(api.DELETE('/api/v1/recordings/{recording}', { params: { path: { recording: r.id } } })).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  const about = channel.inside?.record ? 'Streams are recorded while they run.' : 'Streams are not recorded: the tab Channel changes that.';
  return (
    <Section title="Recordings and clips" about={about}>
      {items === undefined ? <State of={list} /> : items.length === 0 && <p className="quiet">None yet.</p>}
      <ul className="rows">{place !== '' && items?.map((r) => <Row key={r.id} recording={at(place, r)} manages={atLeast(role, 'manager')} remove={remove} changed={list.again} />)}</ul>
      {list.value !== undefined && list.value.next !== '' && size < 100 && <p className="fact"><button type="button" className="button" onClick={() => setSize(Math.min(100, size + PAGE))}>Show more</button></p>}
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </Section>
  );
}

const STATES: Record<Recording['state'], string> = { recording: 'Being made', ready: '', failed: 'Failed', deleting: 'Being deleted' };

interface RowProps {
  recording: Recording;
  manages: boolean;
  remove: (r: Recording) => void;
  changed: () => void;
}

function Row({ recording: r, manages, remove, changed }: RowProps) {
  const [open, setOpen] = useState(false);
  const state = STATES[r.state];
  return (
    <li className="recording">
      <div className="row row-wrap">
        <span className="recording-thumb"><RecordingThumb recording={r} /></span>
        <span className="row-main">
          <strong>{r.media === undefined ? titleOf(r) : <Link to={`/replay/${r.id}`}>{titleOf(r)}</Link>}</strong> {r.kind === 'clip' && <span className="badge badge-good">Clip</span>} {state !== '' && <span className="badge">{state}</span>}
          <span className="row-facts"><Day at={r.started_at} time /> · {clock(r.duration)} · {fileSize(r.bytes)}{(r.inside?.lost ?? 0) > 0 && ` · ${r.inside?.lost} segments are missing`}</span>
          {r.inside?.reason !== undefined && <span className="row-facts">{r.inside.reason}</span>}
        </span>
        <span className="row-tools">
          {r.media?.download !== undefined && <a className="button button-compact" href={r.media.download} download aria-label={`Download ${titleOf(r)}`}>Download</a>}
          {manages && r.state === 'ready' && <button type="button" className="button button-compact" aria-expanded={open} aria-label={`Change ${titleOf(r)}`} onClick={() => setOpen(!open)}>Change</button>}
          {manages && r.state !== 'deleting' && <Sure label="Delete" name={`Delete ${titleOf(r)}`} sure="Delete it for ever" onSure={() => remove(r)}>It is gone then.</Sure>}
        </span>
      </div>
      {open && <Change recording={r} changed={() => { setOpen(false); changed(); }} />}
    </li>
  );
}

function Change({ recording: r, changed }: { recording: Recording; changed: () => void }) {
  const [version] = useState(r.version);
  const send = async (v: FormData) => {
    const body = { title: text(v, 'title').trim(), description: text(v, 'description').trim() };
    await done(api.PATCH('/api/v1/recordings/{recording}', { params: { path: { recording: r.id }, header: { 'If-Match': `"${version}"` } }, body }));
    changed();
  };
  return (
    <div className="user-manage">
      <Form submit="Save" onSend={send}>
        <Field name="title" label="Title" defaultValue={r.title} maxLength={140} hint={`Empty: ${r.name}.`} autoFocus />
        <Text name="description" label="Description" defaultValue={r.description} max={5000} />
      </Form>
    </div>
  );
}
