import { useState } from 'react';
import { done, open, session } from '../../api/client';
import { Field, Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { navigate, query, returnTo } from '../../router';
import { Link } from '../../ui/Link';
import { Card } from './Card';
import { elsewhereFailed } from './elsewhere';
import { Providers } from './Providers';

/** Signing in: a password, and a code where the account has a second factor. */
export function SignIn() {
  const [back] = useState(returnTo);
  // A sign-in elsewhere has left its challenge in a cookie: "".
  const [challenge, setChallenge] = useState<string | null>(() => (query('step') === 'code' ? '' : null));
  if (challenge !== null) return <Code challenge={challenge} back={back} again={() => setChallenge(null)} />;
  const send = async (v: FormData) => {
    const answer = await done(open.POST('/api/v1/auth/sign-in', { body: { login: text(v, 'login').trim(), password: text(v, 'password'), cookie: true } }));
    if ('challenge' in answer) {
      setChallenge(answer.challenge);
      return;
    }
    session.begin(answer);
    navigate(back, true);
  };
  const failed = elsewhereFailed(query('oidc_error'));
  const link = query('link');
  return (
    <Card title="Sign in">
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      {link !== '' && <p className="quiet">Your e-mail address has an account here. Sign in to it within ten minutes, and {link} signs you in from then on.</p>}
      <Providers back={back} />
      <Form submit="Sign in" onSend={send}>
        <Field name="login" label="E-mail address or username" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
        <Password name="password" label="Password" autoComplete="current-password" required />
      </Form>
      <p className="entry-links"><Link to="/forgot-password">Forgot the password?</Link> <Link to={`/sign-up?return_to=${encodeURIComponent(back)}`}>Make an account</Link></p>
    </Card>
  );
}

function Code({ challenge, back, again }: { challenge: string; back: string; again: () => void }) {
  const [recovery, setRecovery] = useState(false);
  const send = async (v: FormData) => {
    session.begin(await done(open.POST('/api/v1/auth/totp/sign-in', { body: { ...(challenge !== '' && { challenge }), code: text(v, 'code').trim(), cookie: true } })));
    navigate(back, true);
  };
  return (
    <Card title="One more step">
      <p className="quiet">{recovery ? 'Each of your recovery codes works once.' : 'Your account asks for the code that your authenticator app shows now.'}</p>
      <Form key={String(recovery)} submit="Sign in" onSend={send}>
        {recovery
          ? <Field name="code" label="Recovery code" autoComplete="off" autoCapitalize="none" spellCheck={false} required autoFocus />
          : <Field name="code" label="Code of the app" inputMode="numeric" autoComplete="one-time-code" maxLength={12} required autoFocus />}
      </Form>
      <p className="entry-links">
        <button type="button" className="textlink" onClick={() => setRecovery(!recovery)}>{recovery ? 'Use the app instead' : 'Use a recovery code'}</button>
        <button type="button" className="textlink" onClick={again}>Begin again</button>
      </p>
    </Card>
  );
}
