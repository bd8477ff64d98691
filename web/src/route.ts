/** The pages of the application. */
export type Route = { page: 'home' } | { page: 'watch'; name: string } | { page: 'lost' };

/** A stream's NAME as the server accepts it. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Which page a path means. A trailing slash is forgiven. */
export function parseRoute(path: string): Route {
  const clean = path.length > 1 ? path.replace(/\/+$/, '') : path;
  if (clean === '/' || clean === '') return { page: 'home' };
  const name = /^\/watch\/([^/]+)$/.exec(clean)?.[1];
  if (name !== undefined && NAME.test(name)) return { page: 'watch', name };
  return { page: 'lost' };
}
