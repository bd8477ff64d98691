import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Choice, Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, atLeast, type Channel, type Member, type Role } from './channel';
import { Guests } from './Guests';
import { Links } from './Links';
import { byUsername, userOf, UserName, type User } from './users';

const ROLES = [['moderator', 'Moderator: sees how it does, may end it'], ['manager', 'Manager: changes the channel and its keys']] as const;

async function read(channel: Channel) {
  const members = (await done(api.GET('/api/v1/channels/{id}/members', at(channel.id)))).items ?? [];
  const [owner, ...users] = await Promise.all([channel.owner_id, ...members.map((m) => m.user_id)].map((id) => (id === undefined ? null : userOf(id))));
  return { owner: owner ?? null, members: members.map((member, i) => ({ member, user: users[i] ?? null })) };
}

/** Who works for a channel beside its owner, and who may watch it where not everybody may. */
export function People({ me, channel, role }: { me: Own; channel: Channel; role: Role }) {
  const list = useAsked(() => read(channel), channel.id);
  const [failed, setFailed] = useState('');
  const remove = (user: string) => {
    setFailed('');
    done(api.DELETE('/api/v1/channels/{id}/members/{user}', { params: { path: { id: channel.id, user } } })).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  const { value } = list;
  if (value === undefined) return <State of={list} />;
  return (
    <>
      <Section title="Who works here">
        <ul className="rows">
          <li className="row"><UserName user={value.owner} nobody="The operator of this server" facts="Owner" /></li>
          {value.members.map(({ member, user }) => (
            <li className="row row-wrap" key={member.user_id}>
              <UserName user={user} nobody="An account that is gone" facts={<>{member.role === 'manager' ? 'Manager' : 'Moderator'} since <Day at={member.since} /></>} />
              {(atLeast(role, 'owner') || member.user_id === me.id) && <Leave member={member} user={user} self={member.user_id === me.id} remove={remove} />}
            </li>
          ))}
        </ul>
        {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      </Section>
      {atLeast(role, 'owner') && <Section title="Let somebody help"><Add channel={channel} added={list.again} /></Section>}
      {channel.visibility !== 'public' && atLeast(role, 'manager') && <Links channel={channel} />}
      {channel.visibility === 'private' && atLeast(role, 'manager') && <Guests channel={channel} />}
    </>
  );
}

function Leave({ member, user, self, remove }: { member: Member; user: User | null; self: boolean; remove: (id: string) => void }) {
  const who = user?.username ?? 'the account';
  return self
    ? <Sure label="Leave" sure="Leave the channel" onSure={() => remove(member.user_id)}>You cannot come back by yourself.</Sure>
    : <Sure label="Remove" name={`Remove ${who}`} sure={`Remove ${who}`} onSure={() => remove(member.user_id)}>They can do nothing here any more.</Sure>;
}

function Add({ channel, added }: { channel: Channel; added: () => void }) {
  const send = async (v: FormData) => {
    const user = await byUsername(text(v, 'username'), 'username');
    await done(api.PUT('/api/v1/channels/{id}/members/{user}', { params: { path: { id: channel.id, user: user.id } }, body: { role: text(v, 'role') as Member['role'] } }));
    added();
  };
  return (
    <Form submit="Give the role" onSend={send} clear done="Done">
      <div className="pair">
        <Field name="username" label="Username" maxLength={64} autoCapitalize="none" autoComplete="off" spellCheck={false} required />
        <Choice name="role" label="Role" options={ROLES} />
      </div>
    </Form>
  );
}
