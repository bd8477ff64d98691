import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';
import { byUsername, userOf, UserName } from './users';

async function read(id: string) {
  const guests = (await done(api.GET('/api/v1/channels/{id}/guests', at(id)))).items ?? [];
  return Promise.all(guests.map(async (guest) => ({ guest, user: await userOf(guest.user_id) })));
}

/** Who may watch a private channel beside those who work for it. */
export function Guests({ channel }: { channel: Channel }) {
  const list = useAsked(() => read(channel.id), channel.id);
  const [failed, setFailed] = useState('');
  const path = (user: string) => ({ params: { path: { id: channel.id, user } } });
  const remove = (user: string) => {
    setFailed('');
    done(api.DELETE('/api/v1/channels/{id}/guests/{user}', path(user))).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  const add = async (v: FormData) => {
    await done(api.PUT('/api/v1/channels/{id}/guests/{user}', path((await byUsername(text(v, 'guest'), 'guest')).id)));
    list.again();
  };
  return (
    <Section title="Guests" about="They can watch this private channel when they are signed in.">
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">Nobody yet.</p>}
      <ul className="rows">
        {list.value?.map(({ guest, user }) => (
          <li className="row row-wrap" key={guest.user_id}>
            <UserName user={user} nobody="An account that is gone" facts={<>since <Day at={guest.since} /></>} />
            <Sure label="Remove" name={`Remove the guest ${user?.username ?? 'without an account'}`} sure="Remove the guest" onSure={() => remove(guest.user_id)}>What they watch ends.</Sure>
          </li>
        ))}
      </ul>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      <Form submit="Invite" onSend={add} clear done="Done">
        <Field name="guest" label="Who" maxLength={64} autoCapitalize="none" autoComplete="off" spellCheck={false} required placeholder="username" />
      </Form>
    </Section>
  );
}
