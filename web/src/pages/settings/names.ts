/** "Firefox on Linux", or what the program calls itself, cut. */
export function clientName(agent: string): string {
  if (agent === '') return 'Unknown program';
  const browser = [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']].find(([mark = '']) => agent.includes(mark))?.[1];
  if (browser === undefined) return agent.length > 40 ? `${agent.slice(0, 39)}…` : agent;
  const system = [['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'macOS'], ['CrOS', 'ChromeOS'], ['Linux', 'Linux']].find(([mark = '']) => agent.includes(mark))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}

/** What happened to an account, in words. */
export function eventName(kind: string): string {
  const known: Record<string, string> = {
    registered: 'Account made',
    signed_in: 'Signed in',
    sign_in_failed: 'Sign-in with a wrong password',
    signed_out: 'Signed out',
    session_ended: 'Session ended',
    sessions_ended: 'Sessions ended',
    refresh_reused: 'Session ended, because its secret was used twice',
    email_verified: 'E-mail address verified',
    email_change_requested: 'New e-mail address asked for',
    email_changed: 'E-mail address changed',
    password_changed: 'Password changed',
    password_reset_requested: 'Link for a new password asked for',
    password_reset: 'Password chosen anew by a link',
    suspended: 'Suspended',
    unsuspended: 'Suspension lifted',
    role_changed: 'Role changed',
    export_requested: 'Data asked for',
    totp_enabled: 'Second factor turned on',
    totp_disabled: 'Second factor turned off',
    totp_reset: 'Second factor turned off by an administrator',
    second_factor_failed: 'Sign-in with a wrong code',
    recovery_codes_made: 'New recovery codes made',
    recovery_code_used: 'Recovery code used',
    identity_linked: 'Account elsewhere linked',
    identity_unlinked: 'Account elsewhere unlinked',
    api_token_made: 'API token made',
    api_token_ended: 'API token ended',
  };
  return known[kind] ?? kind.replaceAll('_', ' ');
}
