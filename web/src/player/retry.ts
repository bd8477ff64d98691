/** The server holds a request for a stream that is not live for up to 10 s. It is asked anew before that. */
export const RENEW_MS = 9_000;

/** An answer later than this was a held one: the next question may follow at once. */
const HELD_MS = 2_000;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 4_000;

/**
 * How long to wait before the next attempt, in milliseconds. `tookMs` is how long the failed one
 * lasted, `failures` how many quick ones came one after the other, this one included.
 */
export function pauseBefore(tookMs: number, failures: number): number {
  if (tookMs >= HELD_MS) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * Math.max(1, failures));
}

/** True when a failure counts as a quick one. */
export const quick = (tookMs: number): boolean => tookMs < HELD_MS;
