import type { ReactNode } from 'react';
import { done, open } from '../../api/client';
import { Refusal } from '../../api/problem';
import type { components } from '../../api/schema';
import { Avatar } from '../../ui/Avatar';
import { Link } from '../../ui/Link';

export type User = components['schemas']['Public'];

/** A user, null when the account is gone. */
export const userOf = (id: string): Promise<User | null> => done(open.GET('/api/v1/users/{id}', { params: { path: { id } } })).catch(() => null);

/** The user of that name. Throws a Refusal for that field of a form when there is none. */
export async function byUsername(typed: string, field: string): Promise<User> {
  const username = typed.trim().replace(/^@/, '');
  try {
    return await done(open.GET('/api/v1/users/by-name/{username}', { params: { path: { username } } }));
  } catch (err) {
    throw err instanceof Refusal && err.status < 500 && err.status !== 429 ? new Refusal(422, { errors: [{ name: `body.${field}`, problem: 'is nobody’s here' }] }) : err;
  }
}

/** A user in a row. */
export function UserName({ user, nobody, facts }: { user: User | null; nobody: string; facts: ReactNode }) {
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
