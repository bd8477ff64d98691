/** Takes the secret of a mail's link out of the address, where it would stay in the history and be seen. */
function take(): string {
  const secret = /^#token=([\w-]+)$/.exec(location.hash)?.[1] ?? '';
  if (secret !== '') history.replaceState(null, '', location.pathname);
  return secret;
}

/** The secret that this page was opened with; "" when there is none. */
export const linkSecret = take();
