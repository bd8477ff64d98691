/** Pages without anything in their address. */
const PLAIN = {
  '/': 'home',
  '/sign-in': 'signIn',
  '/sign-up': 'signUp',
  '/forgot-password': 'forgot',
  '/verify-email': 'verify',
  '/reset-password': 'reset',
  '/settings': 'profileSettings',
  '/settings/account': 'accountSettings',
  '/settings/security': 'securitySettings',
  '/settings/tokens': 'tokenSettings',
  '/admin/users': 'users',
  '/admin/webhooks': 'allWebhooks',
  '/studio': 'studio',
} as const;

/** The parts of a channel's page in the studio, each with the end of its address. */
export const TABS = ['', 'recordings', 'channel', 'people', 'restream', 'webhooks', 'history'] as const;
export type Tab = (typeof TABS)[number];

/** The pages of the application. */
export type Route =
  | { page: (typeof PLAIN)[keyof typeof PLAIN] }
  | { page: 'watch'; name: string }
  | { page: 'user'; name: string }
  | { page: 'replay'; id: string }
  | { page: 'channel'; name: string; tab: Tab }
  | { page: 'lost' };

/** A stream's NAME, and a user's, as the server accepts them. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const REPLAY = /^\/replay\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const isTab = (word: string): word is Tab => (TABS as readonly string[]).includes(word);

/** Which page a path means. A trailing slash is forgiven. */
export function parseRoute(path: string): Route {
  const clean = path.replace(/\/+$/, '') || '/';
  if (Object.hasOwn(PLAIN, clean)) return { page: PLAIN[clean as keyof typeof PLAIN] };
  const [, channel = '', tab = ''] = /^\/studio\/([^/]+)(?:\/([^/]+))?$/.exec(clean) ?? [];
  if (NAME.test(channel) && isTab(tab)) return { page: 'channel', name: channel, tab };
  const [, id] = REPLAY.exec(clean) ?? [];
  if (id !== undefined) return { page: 'replay', id };
  const [, place, name] = /^\/(watch|u)\/([^/]+)$/.exec(clean) ?? [];
  if (name === undefined || !NAME.test(name)) return { page: 'lost' };
  return { page: place === 'u' ? 'user' : 'watch', name };
}
