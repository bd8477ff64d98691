import { useState } from 'react';
import { api, done, open } from '../../api/client';
import { Refusal, words } from '../../api/problem';
import type { components } from '../../api/schema';
import { Choice, Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { Avatar } from '../../ui/Avatar';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, atLeast, type Channel, type Member, type Role } from './channel';

type User = components['schemas']['Public'];

const ROLES = [['moderator', 'Moderator: sees how it does, may end it'], ['manager', 'Manager: changes the channel and its keys']] as const;

const userOf = (id: string): Promise<User | null> => done(open.GET('/api/v1/users/{id}', at(id))).catch(() => null);

async function read(channel: Channel) {
  const members = (await done(api.GET('/api/v1/channels/{id}/members', at(channel.id)))).items ?? [];
  const [owner, ...users] = await Promise.all([channel.owner_id, ...members.map((m) => m.user_id)].map((id) => (id === undefined ? null : userOf(id))));
  return { owner: owner ?? null, members: members.map((member, i) => ({ member, user: users[i] ?? null })) };
}

/** Who works for a channel beside its owner. */
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
          <li className="row"><Name user={value.owner} nobody="The operator of this server" facts="Owner" /></li>
          {value.members.map(({ member, user }) => (
            <li className="row row-wrap" key={member.user_id}>
              <Name user={user} nobody="An account that is gone" facts={<>{member.role === 'manager' ? 'Manager' : 'Moderator'} since <Day at={member.since} /></>} />
              {(atLeast(role, 'owner') || member.user_id === me.id) && <Leave member={member} user={user} self={member.user_id === me.id} remove={remove} />}
            </li>
          ))}
        </ul>
        {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      </Section>
      {atLeast(role, 'owner') && <Section title="Let somebody help"><Add channel={channel} added={list.again} /></Section>}
    </>
  );
}

function Name({ user, nobody, facts }: { user: User | null; nobody: string; facts: React.ReactNode }) {
  return (
    <>
      {user !== null && <Avatar user={user} size={40} />}
      <span className="row-main">
        <strong>{user === null ? nobody : <Link to={`/u/${user.username}`}>{user.display_name || user.username}</Link>}</strong>
        <span className="row-facts">{user !== null && `@${user.username} · `}{facts}</span>
      </span>
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
    const username = text(v, 'username').trim().replace(/^@/, '');
    const user = await done(open.GET('/api/v1/users/by-name/{username}', { params: { path: { username } } })).catch((err: unknown) => {
      throw err instanceof Refusal && err.status < 500 ? new Refusal(422, { errors: [{ name: 'body.username', problem: 'is nobody’s here' }] }) : err;
    });
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
