import { expect, it } from 'vitest';
import { wait } from './picture';

it.each([
  ['clip', 0, 3_000], ['clip', 1_000, 2_000], ['clip', 60_000, 0], ['clip', -60_000, 3_000],
  ['recording', 10_000, 3_000], ['recording', 12_000, 1_000], ['recording', 60_000, 0],
] as const)('the pictures of a %s are waited for, %d ms after it was made: %d ms', (kind, now, want) => {
  const made = new Date(0).toISOString();
  expect(wait({ kind, created_at: made, started_at: made, duration: 10 }, now)).toBe(want);
});
