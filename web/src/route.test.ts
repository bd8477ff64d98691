import { describe, expect, it } from 'vitest';
import { parseRoute } from './route';

describe('parseRoute', () => {
  it.each([
    ['/', { page: 'home' }],
    ['', { page: 'home' }],
    ['/watch/demo', { page: 'watch', name: 'demo' }],
    ['/watch/demo/', { page: 'watch', name: 'demo' }],
    ['/watch/a_b-9', { page: 'watch', name: 'a_b-9' }],
    ['/watch/', { page: 'lost' }],
    ['/watch', { page: 'lost' }],
    ['/watch/Demo', { page: 'lost' }],
    ['/watch/-x', { page: 'lost' }],
    ['/watch/a/b', { page: 'lost' }],
    ['/watch/%2e%2e', { page: 'lost' }],
    [`/watch/${'a'.repeat(63)}`, { page: 'watch', name: 'a'.repeat(63) }],
    [`/watch/${'a'.repeat(64)}`, { page: 'lost' }],
    ['/other', { page: 'lost' }],
    ['/u/ada', { page: 'user', name: 'ada' }],
    ['/u/Ada', { page: 'lost' }],
    ['/sign-in', { page: 'signIn' }],
    ['/settings/', { page: 'profileSettings' }],
    ['/settings/security', { page: 'securitySettings' }],
    ['/settings/nothing', { page: 'lost' }],
    ['/toString', { page: 'lost' }],
    ['/admin/users', { page: 'users' }],
    ['/admin/webhooks', { page: 'allWebhooks' }],
    ['/studio', { page: 'studio' }],
    ['/studio/ada', { page: 'channel', name: 'ada', tab: '' }],
    ['/studio/ada/history/', { page: 'channel', name: 'ada', tab: 'history' }],
    ['/studio/ada/recordings', { page: 'channel', name: 'ada', tab: 'recordings' }],
    ['/replay/01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11', { page: 'replay', id: '01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11' }],
    ['/replay/01935a1c', { page: 'lost' }],
    ['/studio/Ada', { page: 'lost' }],
    ['/studio/ada/nothing', { page: 'lost' }],
  ])('%s', (path, want) => {
    expect(parseRoute(path)).toEqual(want);
  });
});
