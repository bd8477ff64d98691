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
} as const;

/** The pages of the application. */
export type Route =
  | { page: (typeof PLAIN)[keyof typeof PLAIN] }
  | { page: 'watch'; name: string }
  | { page: 'user'; name: string }
  | { page: 'lost' };

/** A stream's NAME, and a user's, as the server accepts them. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Which page a path means. A trailing slash is forgiven. */
export function parseRoute(path: string): Route {
  const clean = path.replace(/\/+$/, '') || '/';
  if (Object.hasOwn(PLAIN, clean)) return { page: PLAIN[clean as keyof typeof PLAIN] };
  const [, place, name] = /^\/(watch|u)\/([^/]+)$/.exec(clean) ?? [];
  if (name === undefined || !NAME.test(name)) return { page: 'lost' };
  return { page: place === 'u' ? 'user' : 'watch', name };
}
