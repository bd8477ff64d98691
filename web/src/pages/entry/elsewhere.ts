import { useEffect, useState } from 'react';

/** Somebody else who can vouch for people, such as GitHub. */
export interface Provider {
  name: string;
  title: string;
  /** Path to send the browser to. */
  start: string;
}

const isProvider = (v: unknown): v is Provider => {
  const p = v as Partial<Record<keyof Provider, unknown>> | null;
  return typeof p?.name === 'string' && typeof p.title === 'string' && typeof p.start === 'string' && /^\/api\/[\w/.-]+$/.test(p.start);
};

/** Reads the list of providers; what is none is left out. */
export function parseProviders(body: unknown): Provider[] {
  const items = (body as { items?: unknown } | null)?.items;
  return Array.isArray(items) ? items.filter(isProvider) : [];
}

/** Where else people can sign in; nowhere until that is known, and where the server does not tell. */
export function useProviders(): Provider[] {
  const [list, setList] = useState<Provider[]>([]);
  useEffect(() => {
    const leave = new AbortController();
    const ask = async () => {
      const answer = await fetch('/api/v1/auth/oidc', { signal: leave.signal, headers: { accept: 'application/json' } });
      if (answer.ok) setList(parseProviders(await answer.json()));
    };
    ask().catch(() => {}); // there is the password
    return () => leave.abort();
  }, []);
  return list;
}

/** Why a sign-in elsewhere did not work, for people; "" when nothing is said. */
export function elsewhereFailed(word: string): string {
  const known: Record<string, string> = {
    cancelled: 'You cancelled the sign-in.',
    expired: 'The sign-in took too long. Try again.',
    unverified: 'There your e-mail address is not verified. Verify it there, or sign up with a password.',
    taken: 'That account signs in to somebody else here already.',
    verify_first: 'An account here has your e-mail address, but has not verified it. Sign in with its password, and verify it first.',
    unavailable: 'The other site does not answer. Try again later.',
  };
  return word === '' ? '' : known[word] ?? 'The sign-in did not work. Try again.';
}
