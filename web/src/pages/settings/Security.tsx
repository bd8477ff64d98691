import { useState } from 'react';
import { api, done, session } from '../../api/client';
import { words } from '../../api/problem';
import type { components } from '../../api/schema';
import { navigate } from '../../router';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { State } from '../../ui/State';
import { Elsewhere } from './Elsewhere';
import { clientName, eventName } from './names';
import { Section } from '../../ui/Section';
import { SecondFactor } from './SecondFactor';

type SessionView = components['schemas']['SessionView'];

/** The second factor, where one is signed in, and what has happened. */
export function Security() {
  return (
    <>
      <Section title="Second factor" about="With it, signing in takes a code of an app on your phone beside the password."><SecondFactor /></Section>
      <Elsewhere />
      <Section title="Where you are signed in"><Sessions /></Section>
      <Section title="What has happened" about="Look here when something seems strange. What you do not know: change your password."><History /></Section>
    </>
  );
}

const readSessions = async () => (await done(api.GET('/api/v1/auth/sessions'))).items ?? [];

function Sessions() {
  const list = useAsked(readSessions);
  const [failed, setFailed] = useState('');
  const run = (work: Promise<unknown>) => {
    setFailed('');
    work.then(list.again, (err: unknown) => setFailed(words(err)));
  };
  const end = (s: SessionView) => {
    const call = done(api.DELETE('/api/v1/auth/sessions/{id}', { params: { path: { id: s.id } } }));
    if (!s.current) {
      run(call);
      return;
    }
    call.then(() => { session.end(); navigate('/', true); }, (err: unknown) => setFailed(words(err)));
  };
  if (list.value === undefined) return <State of={list} />;
  return (
    <>
      <ul className="rows">
        {list.value.map((s) => (
          <li className="row" key={s.id}>
            <span className="row-main">
              <strong>{clientName(s.user_agent)}</strong> {s.current && <span className="badge badge-good">Here</span>}
              <span className="row-facts">{s.address} · last used <Day at={s.seen_at} time /> · since <Day at={s.created_at} /></span>
            </span>
            <button type="button" className="button button-compact" aria-label={`Sign out: ${clientName(s.user_agent)}, ${s.address}`} onClick={() => end(s)}>Sign out</button>
          </li>
        ))}
      </ul>
      {list.value.length > 1 && <p className="fact"><button type="button" className="button" onClick={() => run(done(api.DELETE('/api/v1/auth/sessions', { params: { query: { keep_current: true } } })))}>Sign out everywhere else</button></p>}
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </>
  );
}

const readHistory = async () => (await done(api.GET('/api/v1/users/me/security-events', { params: { query: { limit: 15 } } }))).items ?? [];

function History() {
  const list = useAsked(readHistory);
  if (list.value === undefined) return <State of={list} />;
  return (
    <ul className="rows rows-small">
      {list.value.map((e) => (
        <li className="row" key={e.id}>
          <span className="row-main">{eventName(e.kind)}<span className="row-facts">{[e.address, clientName(e.user_agent)].filter(Boolean).join(' · ')}</span></span>
          <span className="row-facts"><Day at={e.at} time /></span>
        </li>
      ))}
    </ul>
  );
}
