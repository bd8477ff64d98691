import { useState } from 'react';
import { api, done, session } from '../../api/client';
import { words } from '../../api/problem';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { navigate } from '../../router';
import type { Own } from '../../session/session';
import { Export } from './Export';
import { NO_MAILS } from '../../ui/mails';
import { Section } from '../../ui/Section';

/** The address, the password, the data, and the end of an account. */
export function Account({ me }: { me: Own }) {
  return (
    <>
      <Section title="E-mail address"><Email me={me} /></Section>
      <Section title="Password" about="Your other sessions end when you change it."><NewPassword /></Section>
      <Section title="Your data" about="A zip file with all that is kept of you, at most once a day."><Export /></Section>
      <Section title="Delete the account" danger about="Your profile, pictures, follows and tokens are deleted, for ever. Nobody else gets your username."><Delete me={me} /></Section>
    </>
  );
}

async function changeEmail(v: FormData): Promise<void> {
  await done(api.PUT('/api/v1/auth/email', { body: { email: text(v, 'email').trim(), password: text(v, 'password') } }));
}

function Email({ me }: { me: Own }) {
  return (
    <>
      <p className="fact">
        <strong>{me.email}</strong> <span className={me.email_verified ? 'badge badge-good' : 'badge'}>{me.email_verified ? 'Verified' : 'Not verified'}</span>
      </p>
      {!me.email_verified && <Resend />}
      <p className="quiet">{NO_MAILS}</p>
      <Form submit="Change the address" onSend={changeEmail} clear done="A link was made for the new address: open it. Until then the old one stays.">
        <div className="pair">
          <Field name="email" type="email" label="New address" autoComplete="email" required />
          <Password name="password" label="Password" autoComplete="current-password" required />
        </div>
      </Form>
    </>
  );
}

function Resend() {
  const [said, setSaid] = useState('');
  const click = () => {
    done(api.POST('/api/v1/auth/email/send')).then(() => setSaid('A link was made.'), (err: unknown) => setSaid(words(err)));
  };
  return <p className="fact"><button type="button" className="button button-compact" onClick={click}>Ask for a link again</button> <span role="status" className="quiet">{said}</span></p>;
}

async function changePassword(v: FormData): Promise<void> {
  await done(api.PUT('/api/v1/auth/password', { body: { password: text(v, 'password'), new_password: text(v, 'new_password') } }));
}

function NewPassword() {
  return (
    <Form submit="Change the password" onSend={changePassword} clear done="Changed">
      <div className="pair">
        <Password name="password" label="Present password" autoComplete="current-password" required />
        <Password name="new_password" label="New password" autoComplete="new-password" required hint="At least 8 characters, hard to guess." />
      </div>
    </Form>
  );
}

async function deleteMe(v: FormData): Promise<void> {
  await done(api.POST('/api/v1/users/me/delete', { body: { password: text(v, 'password') } }));
  session.end();
  navigate('/', true);
}

function Delete({ me }: { me: Own }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return <button type="button" className="button button-danger" onClick={() => setAsked(true)}>Delete my account…</button>;
  return (
    <Form submit={`Delete ${me.username} for ever`} danger onSend={deleteMe}>
      <Password name="password" label="Password" autoComplete="current-password" required autoFocus />
      <button type="button" className="textlink" onClick={() => setAsked(false)}>Keep the account</button>
    </Form>
  );
}
