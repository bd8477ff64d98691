import { useState } from 'react';
import { done, open, session } from '../../api/client';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { returnTo } from '../../router';
import { Link } from '../../ui/Link';
import { NO_MAILS } from '../../ui/mails';
import { Card } from './Card';
import { Providers } from './Providers';

/** Making an account; whoever did is signed in. */
export function SignUp() {
  const [back] = useState(returnTo);
  const [made, setMade] = useState<{ name: string; email: string } | null>(null);
  if (made !== null) return <Welcome {...made} back={back} />;
  const send = async (v: FormData) => {
    const body = {
      username: text(v, 'username').trim(), email: text(v, 'email').trim(), password: text(v, 'password'),
      language: navigator.language, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    const own = await done(open.POST('/api/v1/auth/register', { body }));
    const answer = await done(open.POST('/api/v1/auth/sign-in', { body: { login: own.username, password: body.password, cookie: true } }));
    if ('access_token' in answer) session.begin(answer);
    setMade({ name: own.username, email: own.email });
  };
  return (
    <Card title="Make an account">
      <Providers back={back} />
      <Form submit="Sign up" onSend={send}>
        <Field name="username" label="Username" autoComplete="username" autoCapitalize="none" spellCheck={false} maxLength={64} required hint="Your address here, /u/NAME. 3 to 32 small letters, digits, “-” and “_”. It cannot be changed." />
        <Field name="email" type="email" label="E-mail address" autoComplete="email" required hint="Nobody else sees it." />
        <Password name="password" label="Password" autoComplete="new-password" required hint="At least 8 characters, hard to guess." />
      </Form>
      <p className="entry-links"><span>You have one? <Link to={`/sign-in?return_to=${encodeURIComponent(back)}`}>Sign in</Link></span></p>
    </Card>
  );
}

function Welcome({ name, email, back }: { name: string; email: string; back: string }) {
  return (
    <Card title={`Welcome, ${name}`}>
      <p className="quiet">Open the link that was made for <strong>{email}</strong> to prove that the address is yours. {NO_MAILS}</p>
      <p className="entry-buttons">
        <Link to="/settings" className="button">Set up your profile</Link>
        <Link to={back} className="button button-main">{back === '/' ? 'See who is live' : 'Go back'}</Link>
      </p>
    </Card>
  );
}
