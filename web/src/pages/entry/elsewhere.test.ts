import { describe, expect, it } from 'vitest';
import { elsewhereFailed, parseProviders } from './elsewhere';

const github = { name: 'github', title: 'GitHub', start: '/api/v1/auth/oidc/github/start' };

describe('parseProviders', () => {
  it.each([
    [{ items: [github] }, [github]],
    [{ items: [github, null, 3, { name: 'x' }, { ...github, start: 'https://evil.example/' }, { ...github, start: '//evil.example' }] }, [github]],
    [{ items: [] }, []], [{ items: null }, []], [null, []], ['x', []],
  ])('%j', (body, want) => {
    expect(parseProviders(body)).toEqual(want);
  });
});

describe('elsewhereFailed', () => {
  it('has words for every word', () => {
    expect(elsewhereFailed('')).toBe('');
    expect(elsewhereFailed('cancelled')).toContain('cancelled');
    expect(elsewhereFailed('no-such-word')).toContain('did not work');
  });
});
