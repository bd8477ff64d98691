import { useEffect, useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { State } from '../../ui/State';
import { UserRow } from './UserRow';

const ROLES = ['user', 'moderator', 'admin'] as const;
const STATES = ['active', 'suspended', 'deleted'] as const;

interface Filter {
  q: string;
  role: '' | (typeof ROLES)[number];
  state: '' | (typeof STATES)[number];
}

const PAUSE_MS = 300; // in typing, before it is searched

async function find({ q, role, state }: Filter, after = '') {
  const query = { limit: 50, ...(q && { q }), ...(role && { role }), ...(state && { state }), ...(after && { after }) };
  const page = await done(api.GET('/api/v1/users', { params: { query } }));
  return { users: page.items ?? [], next: page.next ?? '' };
}

/** Finds users and decides what they may. */
export function Users({ me }: { me: Own }) {
  const [filter, setFilter] = useState<Filter>({ q: '', role: '', state: '' });
  const [typed, setTyped] = useState('');
  useEffect(() => {
    const t = window.setTimeout(() => setFilter((f) => (f.q === typed.trim() ? f : { ...f, q: typed.trim() })), PAUSE_MS);
    return () => window.clearTimeout(t);
  }, [typed]);
  const list = useAsked(() => find(filter), JSON.stringify(filter));
  const [failed, setFailed] = useState('');
  const more = () => {
    const { value } = list;
    if (value === undefined) return;
    find(filter, value.next).then((page) => list.put({ users: [...value.users, ...page.users], next: page.next }), (err: unknown) => setFailed(words(err)));
  };
  const changed = (user: Own) => {
    if (list.value) list.put({ ...list.value, users: list.value.users.map((u) => (u.id === user.id ? user : u)) });
    else list.again(); // another search is under way, and may have been answered before the change
  };
  return (
    <>
      <search className="filter">
        <input className="input" type="search" aria-label="Username or e-mail address begins with" placeholder="Username or e-mail address" value={typed} onChange={(e) => setTyped(e.target.value)} />
        <select className="input" aria-label="Role" value={filter.role} onChange={(e) => setFilter({ ...filter, role: e.target.value as Filter['role'] })}>
          <option value="">Any role</option>
          {ROLES.map((r) => <option key={r} value={r}>{r}</option>)}
        </select>
        <select className="input" aria-label="State" value={filter.state} onChange={(e) => setFilter({ ...filter, state: e.target.value as Filter['state'] })}>
          <option value="">Any state</option>
          {STATES.map((s) => <option key={s} value={s}>{s}</option>)}
        </select>
      </search>
      {(list.value === undefined || list.failed !== '') && <State of={list} />}
      {list.value?.users.length === 0 && <p className="quiet" role="status">Nobody.</p>}
      {/* the rows stay while another search is under way, with what is open in them */}
      <ul className="rows panel panel-rows" aria-busy={list.value === undefined}>{list.last?.users.map((u) => <UserRow key={u.id} user={u} self={u.id === me.id} changed={changed} />)}</ul>
      {list.value !== undefined && list.value.next !== '' && <p className="fact"><button type="button" className="button" onClick={more}>Show more</button></p>}
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </>
  );
}
