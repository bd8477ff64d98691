import type { components } from '../../api/schema';

/** A user's links; nothing where there are none. */
export function Links({ links }: { links: readonly components['schemas']['Link'][] }) {
  const safe = links.filter((l) => /^https?:\/\//i.test(l.url));
  if (safe.length === 0) return null;
  return (
    <ul className="profile-links" aria-label="Links">
      {safe.map((l) => <li key={l.url}><a href={l.url} rel="nofollow noopener noreferrer ugc" target="_blank">{l.title || l.url}</a></li>)}
    </ul>
  );
}
