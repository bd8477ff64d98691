import { api, done } from '../../api/client';
import type { components } from '../../api/schema';

export type Webhook = components['schemas']['Endpoint'];
export type Delivery = components['schemas']['Delivery'];

/** What can be done with the webhooks of one place: a channel, or the installation. */
export interface Calls {
  /** Tells the places apart. */
  place: string;
  list: () => Promise<Webhook[]>;
  /** Both give the secret, which is shown this once. */
  create: (url: string, types: string[]) => Promise<string>;
  rotate: (w: Webhook) => Promise<string>;
  turn: (w: Webhook) => Promise<unknown>;
  ping: (w: Webhook) => Promise<unknown>;
  remove: (w: Webhook) => Promise<unknown>;
  /** The newest deliveries. */
  deliveries: (w: Webhook, limit: number) => Promise<Delivery[]>;
  redeliver: (w: Webhook, d: Delivery) => Promise<unknown>;
}

/** Holds as long as nobody else has changed it. */
const unchanged = (w: Webhook) => ({ 'If-Match': `"${w.version}"` });

/** The webhooks of a channel. */
export function ofChannel(id: string): Calls {
  const at = (w: Webhook) => ({ id, webhook: w.id });
  return {
    place: id,
    list: async () => (await done(api.GET('/api/v1/channels/{id}/webhooks', { params: { path: { id } } }))).items ?? [],
    create: async (url, types) => (await done(api.POST('/api/v1/channels/{id}/webhooks', { params: { path: { id } }, body: { url, types } }))).secret,
    rotate: async (w) => (await done(api.POST('/api/v1/channels/{id}/webhooks/{webhook}/rotate', { params: { path: at(w) } }))).secret,
    turn: (w) => done(api.PATCH('/api/v1/channels/{id}/webhooks/{webhook}', { params: { path: at(w), header: unchanged(w) }, body: { enabled: !w.enabled } })),
    ping: (w) => done(api.POST('/api/v1/channels/{id}/webhooks/{webhook}/ping', { params: { path: at(w) } })),
    remove: (w) => done(api.DELETE('/api/v1/channels/{id}/webhooks/{webhook}', { params: { path: at(w) } })),
    deliveries: async (w, limit) => (await done(api.GET('/api/v1/channels/{id}/webhooks/{webhook}/deliveries', { params: { path: at(w), query: { limit } } }))).items ?? [],
    redeliver: (w, d) => done(api.POST('/api/v1/channels/{id}/webhooks/{webhook}/deliveries/{delivery}/redeliver', { params: { path: { ...at(w), delivery: d.id } } })),
  };
}

/** The webhooks of the installation, for admins. */
export const OF_ALL: Calls = {
  place: 'all',
  list: async () => (await done(api.GET('/api/v1/webhooks'))).items ?? [],
  create: async (url, types) => (await done(api.POST('/api/v1/webhooks', { body: { url, types } }))).secret,
  rotate: async (w) => (await done(api.POST('/api/v1/webhooks/{webhook}/rotate', { params: { path: { webhook: w.id } } }))).secret,
  turn: (w) => done(api.PATCH('/api/v1/webhooks/{webhook}', { params: { path: { webhook: w.id }, header: unchanged(w) }, body: { enabled: !w.enabled } })),
  ping: (w) => done(api.POST('/api/v1/webhooks/{webhook}/ping', { params: { path: { webhook: w.id } } })),
  remove: (w) => done(api.DELETE('/api/v1/webhooks/{webhook}', { params: { path: { webhook: w.id } } })),
  deliveries: async (w, limit) => (await done(api.GET('/api/v1/webhooks/{webhook}/deliveries', { params: { path: { webhook: w.id }, query: { limit } } }))).items ?? [],
  redeliver: (w, d) => done(api.POST('/api/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver', { params: { path: { webhook: w.id, delivery: d.id } } })),
};
