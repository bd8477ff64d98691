import { useState } from 'react';
import { api, done } from '../../api/client';
import { sentence, words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Choice, Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { people } from '../../format';
import { useAsked, usePolled } from '../../ui/asked';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';

type Told = components['schemas']['Camera'];
type Mode = Exclude<Told['mode'], 'none'>;
type Pulled = Told & { mode: Mode };

const ASK_EVERY_MS = 3_000;

const MODES: readonly (readonly [Mode, string])[] = [['watched', 'While somebody watches'], ['always', 'Always']];

const isOne = (camera: Told): camera is Pulled => camera.mode !== 'none';

/** The camera of a channel, null when it has none. */
async function read(id: string): Promise<Pulled | null> {
  const camera = await done(api.GET('/api/v1/channels/{id}/camera', at(id)));
  return isOne(camera) ? camera : null;
}

/** The camera that weir fetches for a channel. */
export function Camera({ channel }: { channel: Channel }) {
  const camera = useAsked(() => read(channel.id), channel.id);
  const { value } = camera;
  return (
    <Section title="Camera" about="Nobody has to send: the picture of an IP camera is fetched over RTSP, always or while somebody watches.">
      {value === undefined && <State of={camera} />}
      {value === null && <Choose channel={channel} camera={null} changed={camera.put} />}
      {value && <Shown key={value.version} channel={channel} camera={value} changed={camera.put} />}
    </Section>
  );
}

interface Props<C> {
  channel: Channel;
  camera: C;
  changed: (camera: Pulled | null) => void;
}

function Shown({ channel, camera, changed }: Props<Pulled>) {
  const now = usePolled(() => read(channel.id), ASK_EVERY_MS, channel.id).value ?? camera;
  const [changing, setChanging] = useState(false);
  const [failed, setFailed] = useState('');
  const run = (work: Promise<Pulled | null>) => {
    setFailed('');
    work.then(changed, (err: unknown) => setFailed(words(err)));
  };
  const turn = () => run(write(channel.id, camera, { url: camera.url, mode: camera.mode, enabled: !camera.enabled }));
  const remove = () => run(done(api.DELETE('/api/v1/channels/{id}/camera', at(channel.id))).then(() => null));
  const state = stateOf(now);
  return (
    <>
      <div className="row row-wrap row-alone">
        <span className="row-main">
          <strong>{camera.url}</strong> <span className={state.badge}>{state.label}</span>
          <span className="row-facts">{[`fetched ${label(camera.mode)}`, camera.has_credentials ? 'with a password' : 'without a password', now.status && now.status.tries > 1 ? people(now.status.tries, 'connection') : ''].filter(Boolean).join(' · ')}</span>
          {now.status?.error !== undefined && <span className="row-facts">{sentence(now.status.error)}</span>}
        </span>
        <span className="row-tools">
          <button type="button" className="button button-compact" onClick={turn}>{camera.enabled ? 'Turn off' : 'Turn on'}</button>
          <button type="button" className="button button-compact" aria-expanded={changing} onClick={() => setChanging(!changing)}>Change</button>
          <Sure label="Delete" name="Delete the camera" sure="Delete it" onSure={remove}>Its password is forgotten.</Sure>
        </span>
      </div>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      {changing && <Choose channel={channel} camera={camera} changed={changed} />}
    </>
  );
}

/** A new camera, or other words for the one there is. */
function Choose({ channel, camera, changed }: Props<Pulled | null>) {
  const send = async (v: FormData) => {
    const [url, username, password] = [text(v, 'url').trim(), text(v, 'username').trim(), text(v, 'password')];
    const stay = camera?.url === url && username === '' && password === '';
    changed(await write(channel.id, camera, { url, mode: text(v, 'mode') as Mode, enabled: camera?.enabled ?? true, ...(!stay && { username, password }) }));
  };
  const kept = camera?.has_credentials === true;
  return (
    <Form submit={camera === null ? 'Show this camera' : 'Change the camera'} onSend={send}>
      <div className="pair">
        <Field name="url" label="Address of the camera" maxLength={500} required autoCapitalize="none" spellCheck={false} defaultValue={camera?.url ?? ''} placeholder="rtsp://camera.example.org/stream1" hint="Without user and password." />
        <Choice name="mode" label="When it is fetched" options={MODES} defaultValue={camera?.mode ?? 'watched'} />
      </div>
      <div className="pair">
        <Field name="username" label="User of the camera" maxLength={200} autoCapitalize="none" autoComplete="off" spellCheck={false} hint={kept ? 'Empty: as before, if the address is.' : 'If it asks for one.'} />
        <Password name="password" label="Password of the camera" maxLength={200} autoComplete="off" hint="Kept sealed, and never shown again." />
      </div>
    </Form>
  );
}

/** Fails when somebody else has changed it meanwhile. */
async function write(id: string, before: Pulled | null, body: components['schemas']['CameraChanges']): Promise<Pulled | null> {
  const camera = await done(api.PUT('/api/v1/channels/{id}/camera', { params: { path: { id }, ...(before && { header: { 'If-Match': `"${before.version}"` } }) }, body }));
  return isOne(camera) ? camera : null;
}

const label = (mode: Mode): string => MODES.find(([m]) => m === mode)?.[1].toLowerCase() ?? '';

function stateOf(camera: Pulled): { label: string; badge: string } {
  if (!camera.enabled) return { label: 'Off', badge: 'badge' };
  switch (camera.status?.state) {
    case 'live': return { label: 'Live', badge: 'badge badge-live' };
    case 'connecting': return { label: 'Connecting', badge: 'badge' };
    case 'waiting': return { label: 'Waits to try again', badge: 'badge' };
    default: return { label: camera.mode === 'watched' ? 'Nobody watches' : 'Ready', badge: 'badge' };
  }
}
