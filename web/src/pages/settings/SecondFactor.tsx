import { lazy, Suspense, useState } from 'react';
import { api, done } from '../../api/client';
import type { components } from '../../api/schema';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Copy } from '../../ui/Copy';
import { Day } from '../../ui/Day';
import { State } from '../../ui/State';

const QRCode = lazy(() => import('./QRCode').then((m) => ({ default: m.QRCode })));

type Enrolment = components['schemas']['Enrolment'];

const read = () => done(api.GET('/api/v1/auth/totp'));

/** Turns the second factor on and off; shows recovery codes once. */
export function SecondFactor() {
  const state = useAsked(read);
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[]>([]);
  const made = (list: string[]) => {
    setEnrolment(null);
    setCodes(list);
    state.again();
  };
  if (codes.length > 0) return <Codes codes={codes} seen={() => setCodes([])} />;
  if (state.value === undefined) return <State of={state} />;
  if (state.value.enabled) return <On state={state.value} made={made} off={state.again} />;
  if (enrolment !== null) return <Confirm enrolment={enrolment} made={made} cancel={() => setEnrolment(null)} />;
  const start = async (v: FormData) => setEnrolment(await done(api.POST('/api/v1/auth/totp', { body: { password: text(v, 'password') } })));
  return (
    <Form submit="Turn it on" onSend={start}>
      <Password name="password" label="Password" autoComplete="current-password" required />
    </Form>
  );
}

function Confirm({ enrolment, made, cancel }: { enrolment: Enrolment; made: (codes: string[]) => void; cancel: () => void }) {
  const send = async (v: FormData) => {
    const answer = await done(api.POST('/api/v1/auth/totp/confirm', { body: { code: text(v, 'code').trim() } }));
    made(answer.recovery_codes ?? []);
  };
  return (
    <div className="enrol">
      <Suspense fallback={<span className="qr" />}><QRCode content={enrolment.url} label="QR code for your authenticator app" /></Suspense>
      <div className="enrol-words">
        <p>Scan this with your authenticator app, or <a href={enrolment.url}>open it on this device</a>, or type the secret:</p>
        <p className="secret"><code>{enrolment.secret}</code> <Copy text={enrolment.secret} label="Copy the secret" compact /></p>
        <Form submit="Confirm" onSend={send}>
          <Field name="code" label="Code that the app shows" inputMode="numeric" autoComplete="one-time-code" maxLength={12} required autoFocus />
        </Form>
        <button type="button" className="textlink" onClick={cancel}>Cancel</button>
      </div>
    </div>
  );
}

function On({ state, made, off }: { state: components['schemas']['TOTPState']; made: (codes: string[]) => void; off: () => void }) {
  const [doing, setDoing] = useState<'' | 'codes' | 'off'>('');
  const send = async (v: FormData) => {
    const body = { password: text(v, 'password'), code: text(v, 'code').trim() };
    if (doing === 'codes') {
      made((await done(api.POST('/api/v1/auth/totp/recovery-codes', { body }))).recovery_codes ?? []);
    } else {
      await done(api.POST('/api/v1/auth/totp/disable', { body }));
      off();
    }
    setDoing('');
  };
  return (
    <>
      <p><span className="badge badge-good">On</span> {state.since !== undefined && <>since <Day at={state.since} />, </>}{state.recovery_codes} recovery codes left</p>
      {doing === '' ? (
        <p className="fact">
          <button type="button" className="button" onClick={() => setDoing('codes')}>New recovery codes…</button>
          <button type="button" className="button" onClick={() => setDoing('off')}>Turn it off…</button>
        </p>
      ) : (
        <Form key={doing} submit={doing === 'codes' ? 'Make new codes' : 'Turn it off'} danger={doing === 'off'} onSend={send}>
          <div className="pair">
            <Password name="password" label="Password" autoComplete="current-password" required />
            <Field name="code" label="Code of the app, or a recovery code" autoComplete="one-time-code" required />
          </div>
          <button type="button" className="textlink" onClick={() => setDoing('')}>Cancel</button>
        </Form>
      )}
    </>
  );
}

function Codes({ codes, seen }: { codes: string[]; seen: () => void }) {
  return (
    <div role="status">
      <p><strong>Keep these recovery codes.</strong> Each signs you in once when you have lost the app. They are not shown again.</p>
      <ul className="codes">{codes.map((c) => <li key={c}><code>{c}</code></li>)}</ul>
      <p className="fact"><Copy text={codes.join('\n')} label="Copy all" /> <button type="button" className="button button-main" onClick={seen}>I have kept them</button></p>
    </div>
  );
}
