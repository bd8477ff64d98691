import { describe, expect, it } from 'vitest';
import { clientName, eventName } from './names';

describe('clientName', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 'Chrome on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge on Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0', 'Firefox on Android'],
    ['curl/8.1', 'curl/8.1'], ['', 'Unknown program'], ['x'.repeat(60), `${'x'.repeat(39)}…`],
  ])('%s', (agent, want) => {
    expect(clientName(agent)).toBe(want);
  });
});

it('has words for what it does not know', () => {
  expect(eventName('signed_in')).toBe('Signed in');
  expect(eventName('something_new')).toBe('something new');
});
