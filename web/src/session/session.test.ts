import { describe, expect, it, vi } from 'vitest';
import { Session, type Message, type Own, type Tokens, type World } from './session';

const user = (name: string) => ({ username: name }) as Own;
const tokens = (token: string, life = 600): Tokens => ({
  access_token: token, token_type: 'Bearer', expires_in: life, refresh_expires_at: '2026-12-01T00:00:00Z', session_id: 's', user: user('ada'),
});

/** A browser of two tabs with one cookie; `answers` are what the server gives, in order. */
function tabs(...answers: (Tokens | null | Error)[]) {
  let now = 1_000_000;
  let last: Promise<unknown> = Promise.resolve();
  let running = 0;
  const remembered: boolean[] = [];
  const refresh = vi.fn(async () => {
    running++;
    expect(running).toBe(1);
    await Promise.resolve();
    running--;
    const a = answers.shift();
    if (a instanceof Error) throw a;
    return a ?? null;
  });
  const alone: World['alone'] = (work) => {
    const mine = last.then(work);
    last = mine.catch(() => null);
    return mine;
  };
  const make = (other: () => Session) => {
    const heard: (Own | null)[] = [];
    const world: World = { now: () => now, refresh, alone, tell: (m: Message) => other().hear(m), remember: (v) => remembered.push(v) };
    return { session: new Session(world, (u) => heard.push(u)), heard };
  };
  const one: ReturnType<typeof make> = make(() => two.session);
  const two: ReturnType<typeof make> = make(() => one.session);
  return { one, two, refresh, remembered, pass: (ms: number) => { now += ms; } };
}

describe('Session', () => {
  it('asks once for all who wait, and tells the other tab', async () => {
    const { one, two, refresh } = tabs(tokens('a'));
    expect(await Promise.all([one.session.token(), one.session.token(), one.session.token()])).toEqual(['a', 'a', 'a']);
    expect(await two.session.token()).toBe('a');
    expect(refresh).toHaveBeenCalledTimes(1);
    expect(two.heard).toEqual([user('ada')]);
  });

  it('renews once when both tabs find the token stale', async () => {
    const { one, two, refresh } = tabs(tokens('b'));
    one.session.begin(tokens('a'));
    expect(await Promise.all([one.session.token('a'), two.session.token('a')])).toEqual(['b', 'b']);
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('renews before the end', async () => {
    const t = tabs(tokens('b'));
    t.one.session.begin(tokens('a', 60));
    t.pass(39_000);
    expect(await t.one.session.token()).toBe('a');
    t.pass(2_000);
    expect(await t.one.session.token()).toBe('b');
  });

  it('is over in both tabs when the cookie does not hold', async () => {
    const t = tabs(null);
    t.one.session.begin(tokens('a', 1));
    expect(await t.two.session.token()).toBe(null);
    expect([t.one.heard.at(-1), t.two.heard.at(-1)]).toEqual([null, null]);
    expect(t.remembered.at(-1)).toBe(false);
  });

  it('is not over when the server cannot say', async () => {
    const t = tabs(new Error('away'), tokens('b'));
    t.one.session.begin(tokens('a', 1));
    await expect(t.one.session.token()).rejects.toThrow('away');
    expect(t.one.heard).toEqual([user('ada')]);
    expect(await t.one.session.token()).toBe('b');
  });

  it('keeps the token when the account changes', async () => {
    const t = tabs();
    t.one.session.begin(tokens('a'));
    t.one.session.know(user('lovelace'));
    expect(await t.two.session.token()).toBe('a');
    expect(t.two.heard.at(-1)).toEqual(user('lovelace'));
  });
});
