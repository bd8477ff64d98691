import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Choice, Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import type { Own } from '../../session/session';
import { Avatar } from '../../ui/Avatar';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';

const ROLES = [['user', 'user'], ['moderator', 'moderator'], ['admin', 'admin']] as const;
const SPANS = [['', 'Until it is lifted'], ['1', 'A day'], ['7', 'A week'], ['30', '30 days']] as const;
const DAY_MS = 86_400_000;

interface Props {
  user: Own;
  /** True for who looks: they cannot lock themselves out here. */
  self: boolean;
  changed: (user: Own) => void;
}

/** A user in the list, and what an admin can do. */
export function UserRow({ user, self, changed }: Props) {
  const [open, setOpen] = useState(false);
  const gone = user.deleted_at !== undefined;
  return (
    <li className="user">
      <div className="row">
        <Avatar user={user} size={40} />
        <span className="row-main">
          <strong>{gone ? user.username : <Link to={`/u/${user.username}`}>{user.display_name || user.username}</Link>}</strong>{' '}
          {user.role !== 'user' && <span className="badge badge-good">{user.role}</span>} {user.suspension && <span className="badge badge-live">Suspended</span>} {gone && <span className="badge">Deleted</span>}
          <span className="row-facts">@{user.username}{user.email !== '' && ` · ${user.email}${user.email_verified ? '' : ' (not verified)'}`} · since <Day at={user.created_at} /></span>
        </span>
        {!self && !gone && <button type="button" className="button button-compact" aria-expanded={open} aria-label={`Manage ${user.username}`} onClick={() => setOpen(!open)}>Manage</button>}
        {self && <span className="quiet">You</span>}
      </div>
      {open && <Manage user={user} changed={changed} />}
    </li>
  );
}

function Manage({ user, changed }: { user: Own; changed: (user: Own) => void }) {
  const at = { params: { path: { id: user.id } } };
  const role = async (v: FormData) => {
    changed(await done(api.PUT('/api/v1/users/{id}/role', { ...at, body: { role: text(v, 'role') as Own['role'] } })));
  };
  return (
    <div className="user-manage">
      {user.suspension ? <Lift user={user} changed={changed} /> : <Suspend user={user} changed={changed} />}
      <Form className="form-line" submit="Change the role" onSend={role} done="Changed">
        <Choice name="role" label="Role" options={ROLES} defaultValue={user.role} />
      </Form>
      <Factor id={user.id} />
    </div>
  );
}

function Suspend({ user, changed }: { user: Own; changed: (user: Own) => void }) {
  const send = async (v: FormData) => {
    const days = Number(text(v, 'days'));
    const body = { reason: text(v, 'reason').trim(), ...(days > 0 && { until: new Date(Date.now() + days * DAY_MS).toISOString() }) };
    changed(await done(api.PUT('/api/v1/users/{id}/suspension', { params: { path: { id: user.id } }, body })));
  };
  return (
    <Form className="form-line" submit={`Suspend ${user.username}`} danger onSend={send}>
      <Field name="reason" label="Why (the user reads it)" maxLength={500} required />
      <Choice name="days" label="How long" options={SPANS} />
    </Form>
  );
}

function Lift({ user, changed }: { user: Own; changed: (user: Own) => void }) {
  const send = async () => changed(await done(api.DELETE('/api/v1/users/{id}/suspension', { params: { path: { id: user.id } } })));
  return (
    <Form submit="Lift the suspension" onSend={send}>
      <p>Suspended {user.suspension?.until === undefined ? 'until it is lifted' : <>until <Day at={user.suspension.until} time /></>}: {user.suspension?.reason}</p>
    </Form>
  );
}

function Factor({ id }: { id: string }) {
  const [said, setSaid] = useState('');
  const click = () => {
    done(api.DELETE('/api/v1/users/{id}/totp', { params: { path: { id } } })).then(() => setSaid('Off now'), (err: unknown) => setSaid(words(err)));
  };
  return <p className="fact"><button type="button" className="button button-compact" onClick={click}>Turn the second factor off</button> <span role="status" className="quiet">{said}</span></p>;
}
