import { useEffect, useRef, useState } from 'react';
import { api, done, open, session } from '../../api/client';
import { words } from '../../api/problem';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { wasSignedIn } from '../../session/hint';
import { linkSecret } from '../../session/secret';
import { useWho } from '../../session/who';
import { Link } from '../../ui/Link';
import { NO_MAILS } from '../../ui/mails';
import { Card } from './Card';

/** Asks for a link with which a new password can be chosen. */
export function Forgot() {
  const [sent, setSent] = useState('');
  if (sent !== '') {
    return (
      <Card title="You asked for a link">
        <p className="quiet">If <strong>{sent}</strong> has an account here, a link was made for it. It works once, for a short time. {NO_MAILS}</p>
        <p className="entry-links"><button type="button" className="textlink" onClick={() => setSent('')}>Another address</button> <Link to="/sign-in">Sign in</Link></p>
      </Card>
    );
  }
  const send = async (v: FormData) => {
    const email = text(v, 'email').trim();
    await done(open.POST('/api/v1/auth/password/forgot', { body: { email } }));
    setSent(email);
  };
  return (
    <Card title="Choose a new password">
      <p className="quiet">A link is made for your e-mail address. {NO_MAILS}</p>
      <Form submit="Ask for a link" onSend={send}>
        <Field name="email" type="email" label="E-mail address" autoComplete="email" required />
      </Form>
      <p className="entry-links"><Link to="/sign-in">Back to sign in</Link></p>
    </Card>
  );
}

/** Where the link of that mail leads. */
export function Reset() {
  const [changed, setChanged] = useState(false);
  const who = useWho();
  if (changed) {
    return (
      <Card title="Your password is changed">
        <p className="quiet">All your sessions have ended. Sign in with the new one.</p>
        <p className="entry-buttons"><Link to="/sign-in" className="button button-main">Sign in</Link></p>
      </Card>
    );
  }
  if (linkSecret === '') return <NoSecret ask="/forgot-password" />;
  const send = async (v: FormData) => {
    await done(open.POST('/api/v1/auth/password/reset', { body: { token: linkSecret, password: text(v, 'password') } }));
    if (who) session.end();
    setChanged(true);
  };
  return (
    <Card title="Choose a new password">
      <Form submit="Change the password" onSend={send}>
        <Password name="password" label="New password" autoComplete="new-password" required hint="At least 8 characters, hard to guess. You are signed out everywhere." />
      </Form>
      <p className="entry-links"><Link to="/forgot-password">The link is too old? Ask for another one</Link></p>
    </Card>
  );
}

async function prove(): Promise<void> {
  await done(open.POST('/api/v1/auth/email/verify', { body: { token: linkSecret } }));
  if (wasSignedIn()) await done(api.GET('/api/v1/users/me')).then((me) => session.know(me), () => null);
}

/** Where the link of a mail leads that proves an address. */
export function Verify() {
  const [state, setState] = useState<'asking' | 'proven' | { failed: string }>('asking');
  const asked = useRef(false);
  useEffect(() => {
    if (linkSecret === '' || asked.current) return;
    asked.current = true; // the secret works once
    prove().then(() => setState('proven'), (err: unknown) => setState({ failed: words(err) }));
  }, []);
  if (linkSecret === '') return <NoSecret ask="/settings/account" />;
  if (state === 'asking') return <Card title="Verifying your address"><p className="quiet" role="status">One moment…</p></Card>;
  if (state === 'proven') {
    return (
      <Card title="Your address is verified">
        <p className="quiet" role="status">Thank you. You may close this page.</p>
        <p className="entry-buttons"><Link to="/" className="button button-main">See who is live</Link></p>
      </Card>
    );
  }
  return (
    <Card title="That did not work">
      <p className="form-failed" role="alert">{state.failed}</p>
      <p className="entry-buttons"><Link to="/settings/account" className="button">Ask for another link</Link></p>
    </Card>
  );
}

function NoSecret({ ask }: { ask: string }) {
  return (
    <Card title="This link is not whole">
      <p className="quiet">Open the link once more, whole, or ask for another one.</p>
      <p className="entry-buttons"><Link to={ask} className="button">Ask for another link</Link></p>
    </Card>
  );
}
