import { useSyncExternalStore } from 'react';

const CHANGED = 'weir:navigate';

/** Go to a path of the application without loading a page; `instead` leaves no way back to the present one. */
export function navigate(path: string, instead = false): void {
  if (instead) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  window.scrollTo(0, 0);
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(changed: () => void): () => void {
  window.addEventListener('popstate', changed);
  window.addEventListener(CHANGED, changed);
  return () => {
    window.removeEventListener('popstate', changed);
    window.removeEventListener(CHANGED, changed);
  };
}

/** The current path; the component renders again when it changes. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

/** A value of the address's query, "" when there is none. */
export function query(name: string): string {
  return new URLSearchParams(location.search).get(name) ?? '';
}

/** Where to go after a sign-in: a path of this site, never another one. */
export function returnTo(): string {
  const path = query('return_to');
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';
}
