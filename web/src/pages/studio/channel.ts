import { api, done } from '../../api/client';
import { Refusal } from '../../api/problem';
import type { components } from '../../api/schema';
import type { Own } from '../../session/session';

export type Channel = components['schemas']['View'];
export type Session = components['schemas']['LiveSessionView'];
export type Member = components['schemas']['Member'];

/** What one may do in a channel, each holding the rights of the one before. */
export type Role = 'moderator' | 'manager' | 'owner';

const RANKS: readonly Role[] = ['moderator', 'manager', 'owner'];

/** Whether a role has the rights of another. */
export const atLeast = (role: Role, least: Role): boolean => RANKS.indexOf(role) >= RANKS.indexOf(least);

/** What somebody who sees the inside of a channel is there. */
export function roleOf(me: Own, channel: Channel, members: readonly Member[]): Role {
  if (me.role === 'admin' || channel.owner_id === me.id) return 'owner';
  return members.find((m) => m.user_id === me.id)?.role ?? 'moderator';
}

/** The path of a channel in calls. */
export const at = (id: string) => ({ params: { path: { id } } });

/** A channel with what one may do there; null when it is not there, or not one's own. */
export async function readChannel(me: Own, name: string): Promise<{ channel: Channel; role: Role } | null> {
  try {
    const channel = await done(api.GET('/api/v1/channels/by-name/{name}', { params: { path: { name } } }));
    if (channel.inside === undefined) return null;
    const members = (await done(api.GET('/api/v1/channels/{id}/members', at(channel.id)))).items ?? [];
    return { channel, role: roleOf(me, channel, members) };
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

/** The newest session of a channel when it is on the air, else null. */
export async function onAir(id: string): Promise<Session | null> {
  const page = await done(api.GET('/api/v1/channels/{id}/sessions', { params: { path: { id }, query: { limit: 1 } } }));
  const newest = page.items?.[0];
  return newest === undefined || newest.state === 'ended' ? null : newest;
}

/** The words and the look of a session's state. */
export function stateOf(session: Session | null): { label: string; badge: string } {
  switch (session?.state) {
    case 'live': return { label: 'Live', badge: 'badge badge-live' };
    case 'starting': return { label: 'Starting', badge: 'badge badge-good' };
    case 'reconnecting': return { label: 'Reconnecting', badge: 'badge' };
    default: return { label: 'Off the air', badge: 'badge' };
  }
}
