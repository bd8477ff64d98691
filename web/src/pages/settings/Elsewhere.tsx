import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { query } from '../../router';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { elsewhereFailed, useProviders, type Provider } from '../entry/elsewhere';

const read = () => done(api.GET('/api/v1/auth/oidc/identities'));

/** The accounts elsewhere that sign in to this one; nothing where there are none and nobody offers it. */
export function Elsewhere() {
  const providers = useProviders();
  const asked = useAsked(read);
  const [failed, setFailed] = useState('');
  const [came] = useState(() => ({ linked: query('linked'), failed: elsewhereFailed(query('oidc_error')) }));
  const { value } = asked;
  const items = value?.items ?? [];
  if (providers.length === 0 && items.length === 0) return null;
  const unlink = (id: string) => {
    setFailed('');
    done(api.DELETE('/api/v1/auth/oidc/identities/{id}', { params: { path: { id } } })).then(asked.again, (err: unknown) => setFailed(words(err)));
  };
  const offered = providers.filter((p) => !items.some((i) => i.provider === p.name));
  return (
    <Section title="Sign in elsewhere" about="Whoever is signed in there with such an account can sign in here too.">
      {value === undefined && <State of={asked} />}
      {came.linked !== '' && items.some((i) => i.provider === came.linked) && <p className="form-said" role="status">It is linked now.</p>}
      {came.failed !== '' && <p className="form-failed" role="alert">{came.failed}</p>}
      <ul className="rows">
        {items.map((i) => (
          <li className="row row-wrap" key={i.id}>
            <span className="row-main">
              <strong>{i.title}</strong> {!i.usable && <span className="badge">Not offered any more</span>}
              <span className="row-facts">{i.email !== '' && `${i.email} · `}since <Day at={i.created_at} />{i.used_at !== undefined && <> · last used <Day at={i.used_at} time /></>}</span>
            </span>
            <Sure label="Unlink" name={`Unlink ${i.title}`} sure="Unlink it" onSure={() => unlink(i.id)}>It signs in here no more.</Sure>
          </li>
        ))}
      </ul>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      {value !== undefined && <Offers providers={offered} password={value.has_password} />}
    </Section>
  );
}

/** One form for all: the password proves that it is the owner who links. */
function Offers({ providers, password }: { providers: Provider[]; password: boolean }) {
  const [chosen, setChosen] = useState('');
  const provider = providers.find((p) => p.name === chosen);
  if (provider === undefined) {
    if (providers.length === 0) return null;
    return <p className="fact">{providers.map((p) => <button key={p.name} type="button" className="button" onClick={() => setChosen(p.name)}>Link {p.title}…</button>)}</p>;
  }
  const send = async (v: FormData) => {
    const body = { return_to: '/settings/security', ...(password && { password: text(v, 'password') }) };
    const { address } = await done(api.POST('/api/v1/auth/oidc/{provider}/link', { params: { path: { provider: provider.name } }, body }));
    location.assign(address);
  };
  return (
    <Form key={provider.name} submit={`Go to ${provider.title}`} onSend={send}>
      {password && <Password name="password" label="Password" autoComplete="current-password" required autoFocus />}
      <button type="button" className="textlink" onClick={() => setChosen('')}>Cancel</button>
    </Form>
  );
}
