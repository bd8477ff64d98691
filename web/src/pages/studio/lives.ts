const DAY_MS = 86_400_000;

/** How long a secret lasts, in days; "" is for ever. */
export const LIVES = [['', 'Until it is revoked'], ['1', 'A day'], ['7', 'A week'], ['30', '30 days'], ['365', 'A year']] as const;

/** The end of what lasts so many days from now, as calls have it. */
export function inDays(days: string): { expires_at?: string } {
  return Number(days) > 0 ? { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() } : {};
}
