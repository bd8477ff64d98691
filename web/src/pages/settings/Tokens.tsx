import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Choice, Field, Password } from '../../form/Field';
import { Form, text, useWrong } from '../../form/Form';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { Copy } from '../../ui/Copy';
import { Day } from '../../ui/Day';
import { State } from '../../ui/State';
import { Section } from '../../ui/Section';

type Scope = components['schemas']['CreateTokenInputBody']['scopes'] extends (infer S)[] | null ? S : never;

const SCOPES: readonly (readonly [scope: Scope, does: string, adminOnly?: true])[] = [
  ['profile:read', 'Read your account and what you follow'],
  ['profile:write', 'Change your profile and pictures'],
  ['follows:write', 'Follow and unfollow'],
  ['channels:read', 'See what goes on in your channels'],
  ['channels:write', 'Make and change channels, and what belongs to them'],
  ['keys:write', 'Make and end stream keys'],
  ['users:admin', 'Administer users', true],
];

const DAY_MS = 86_400_000;
const SPARE_MS = 3_600_000; // the server's clock may be behind ours, and a year is the most
const LIVES = [['30', '30 days'], ['90', '90 days'], ['365', 'A year']] as const;

const read = async () => (await done(api.GET('/api/v1/auth/tokens'))).items ?? [];

/** Tokens for programs. */
export function Tokens({ me }: { me: Own }) {
  const list = useAsked(read);
  const [made, setMade] = useState('');
  const [failed, setFailed] = useState('');
  const end = (id: string) => {
    setFailed('');
    done(api.DELETE('/api/v1/auth/tokens/{id}', { params: { path: { id } } })).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  return (
    <>
      <Section title="Your API tokens" about={<>For programs that act for you, with <a href="/api/docs">the API</a>. A token does what its scopes say, and nothing else.</>}>
        {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">None yet.</p>}
        <ul className="rows">
          {list.value?.map((t) => (
            <li className="row" key={t.id}>
              <span className="row-main">
                <strong>{t.name}</strong>
                <span className="row-facts">{(t.scopes ?? []).join(', ')} · until <Day at={t.expires_at} /> · {t.used_at === undefined ? 'never used' : <>last used <Day at={t.used_at} time /></>}</span>
              </span>
              <button type="button" className="button button-compact" aria-label={`End the token ${t.name}`} onClick={() => end(t.id)}>End</button>
            </li>
          ))}
        </ul>
        {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      </Section>
      <Section title="Make a token">
        {made === '' ? <Make admin={me.role === 'admin'} made={(token) => { setMade(token); list.again(); }} /> : (
          <div role="status">
            <p><strong>Copy the token now.</strong> It is not shown again.</p>
            <p className="secret"><code>{made}</code> <Copy text={made} label="Copy the token" compact /></p>
            <p className="fact"><button type="button" className="button" onClick={() => setMade('')}>Done</button></p>
          </div>
        )}
      </Section>
    </>
  );
}

function Make({ admin, made }: { admin: boolean; made: (token: string) => void }) {
  const send = async (v: FormData) => {
    const answer = await done(api.POST('/api/v1/auth/tokens', {
      body: {
        name: text(v, 'name').trim(), password: text(v, 'password'), scopes: SCOPES.map(([s]) => s).filter((s) => v.has(`scope-${s}`)),
        expires_at: new Date(Date.now() + Number(text(v, 'life')) * DAY_MS - SPARE_MS).toISOString(),
      },
    }));
    made(answer.token);
  };
  return (
    <Form submit="Make the token" onSend={send}>
      <div className="pair">
        <Field name="name" label="What it is for" maxLength={50} required placeholder="backup script" />
        <Choice name="life" label="How long it lasts" options={LIVES} defaultValue="90" />
      </div>
      <Scopes admin={admin} />
      <Password name="password" label="Password" autoComplete="current-password" required />
    </Form>
  );
}

function Scopes({ admin }: { admin: boolean }) {
  const wrong = useWrong('scopes');
  return (
    <fieldset className="scopes">
      <legend>What it may do</legend>
      {SCOPES.filter(([, , adminOnly]) => adminOnly !== true || admin).map(([scope, does]) => (
        <label key={scope} className="check"><input type="checkbox" name={`scope-${scope}`} /> <span>{does} <code>{scope}</code></span></label>
      ))}
      {wrong !== '' && <p className="field-wrong">{wrong}</p>}
    </fieldset>
  );
}
