import { useSyncExternalStore } from 'react';
import { onRemembered, remember, wasSignedIn } from './hint';
import type { Own } from './session';

/** Who is signed in: undefined until that is known, null when nobody is. */
export type Who = Own | null | undefined;

let who: Who;
const listeners = new Set<() => void>();

/** Called by the session alone. */
export function setWho(next: Who): void {
  who = next;
  for (const tell of listeners) tell();
}

/** Finds out who is signed in, once. Pages of those who never signed in here load no code for it. */
export function findWho(): void {
  if (who !== undefined) return;
  onRemembered(ask); // somebody signed in in another tab
  if (wasSignedIn()) ask();
  else setWho(null);
}

function ask(): void {
  import('../api/client').then(({ session }) => session.token()).catch(() => {
    // The server is away: as if signed out, until a page asks again.
    setWho(null);
    remember(true);
  });
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** Who is signed in; the component renders again when that changes. */
export function useWho(): Who {
  return useSyncExternalStore(subscribe, () => who);
}
