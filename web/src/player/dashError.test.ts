import { describe, expect, it } from 'vitest';
import { failure } from './dashError';

const error = (code: number, status?: number) => ({ code, message: 'x', data: { response: { status } } });

describe('failure', () => {
  it.each([
    [error(25, 404), true, 'absent'], [error(25), false, 'network'], [error(11), true, 'absent'],
    [error(27, 404), true, 'hole'], [error(28, 410), true, 'hole'], [error(27, 503), true, 'network'],
    [error(27), true, 'network'], [{ code: 27 }, true, 'network'], [error(20), true, 'media'],
    [error(25, 403), true, 'denied'], [error(27, 403), true, 'denied'],
    ['text', true, 'media'], [undefined, true, 'media'],
  ] as const)('%j, online %s: %s', (e, online, want) => {
    expect(failure(e, online)).toBe(want);
  });
});
