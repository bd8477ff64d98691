const KEY = 'weir:signed-in';

/** Whether somebody was signed in here when the page was left: then it is worth asking. The cookie itself cannot be seen. */
export function wasSignedIn(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false; // storage is switched off
  }
}

/** Notes it for the next page. */
export function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(KEY, '1');
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage each page begins signed out.
  }
}

/** Calls back when another tab has noted that somebody signed in. */
export function onRemembered(call: () => void): void {
  window.addEventListener('storage', (e) => {
    if (e.key === KEY && e.newValue !== null) call();
  });
}
