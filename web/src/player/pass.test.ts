import { describe, expect, it } from 'vitest';
import { linkOf } from '../api/addresses';
import { addressFor, after, entrance, kept, plain, renewIn } from './pass';
import { denied } from './status';

describe('a pass', () => {
  it('is in the addresses', () => {
    const got = entrance('anna', 200, { pass: 'p', hls: '/live/~p/anna/index.m3u8', dash: '/live/~p/anna/manifest.mpd', expires_at: '2026-11-23T12:00:00Z' });
    expect(got).toEqual({ hls: '/live/~p/anna/index.m3u8', dash: '/live/~p/anna/manifest.mpd', expires: Date.UTC(2026, 10, 23, 12), refused: '', shown: null, channel: null });
    expect((['hls', 'dash', 'whep'] as const).map((k) => addressFor(got, k))).toEqual(['/live/~p/anna/index.m3u8', '/live/~p/anna/manifest.mpd', '/live/~p/anna/whep']);
  });
  it('is not needed, or not had', () => {
    for (const body of [null, 7, {}, { hls: '/live/anna/index.m3u8' }, { pass: 'p', hls: '//elsewhere.example', dash: '/live/x' }, { pass: 'p', hls: 7, dash: 7 }]) {
      expect(entrance('anna', 200, body)).toEqual(plain('anna'));
    }
  });
  it('is refused with the words of the server', () => {
    const got = entrance('anna', 403, { detail: 'this link has expired: ask for a new one' });
    expect(got.refused).toBe('this link has expired: ask for a new one');
    expect(denied('offline', 'anna', got.refused, true)?.detail).toBe('This link has expired: ask for a new one.');
    expect(denied('playing', 'anna', got.refused, true)).toBeNull();
    expect(denied('offline', 'anna', '', false)).toBeNull();
    expect(denied('offline', 'anna', '', true)?.title).toBe('anna is offline');
  });
  it('that is given no more is no offline stream', () => {
    const had = { ...plain('anna'), expires: 1 };
    const lost = after(had, plain('anna'));
    expect(lost.refused).not.toBe('');
    expect(denied('refused', 'anna', lost.refused, true)?.title).toBe('This link does not open the stream');
    expect(after(lost, plain('anna')).refused).toBe(lost.refused);
    expect(after(lost, had)).toBe(had);
    expect(after(plain('anna'), plain('anna')).refused).toBe('');
  });
  it('tells what it opens, and is kept while it plays', () => {
    const body = {
      pass: 'p', hls: '/live/~p/anna/index.m3u8', dash: '/live/~p/anna/manifest.mpd', expires_at: '2026-11-23T12:00:00Z',
      channel: { title: 'Otters', category: 'Nature', mature: true, id: 'c' },
      showing: { started_at: '2026-11-23T00:00:00Z', viewers: 3, source: { video: 'avc1.64001f', audio: 'mp4a.40.2', width: 640, height: 360, fps: 25 } },
    };
    const got = entrance('anna', 200, body);
    expect(got.shown).toMatchObject({ name: 'anna', title: 'Otters', category: 'Nature', mature: true, viewers: 3, startedAt: Date.UTC(2026, 10, 23), width: 640, frameRate: 25 });
    expect(entrance('anna', 200, { ...body, showing: null }).shown).toBeNull();
    const next = { ...got, hls: '/live/~q/anna/index.m3u8', shown: { ...got.shown!, viewers: 4 } };
    expect(kept(got, next, got.expires! - 3_600_000)).toEqual({ ...got, shown: next.shown });
    expect(kept(got, next, got.expires! - 1_000)).toBe(next);
  });
  it('is asked for by the secret behind #', () => {
    expect(linkOf('#share=abc_-9')).toBe('abc_-9');
    for (const hash of ['', '#', '#main', '#x=1']) expect(linkOf(hash)).toBe('');
  });
  it('is renewed before it ends, and never at once', () => {
    expect(renewIn(3_600_000, 0)).toBe(60_000);
    expect(renewIn(340_000, 0)).toBe(40_000);
    expect(renewIn(1000, 0)).toBe(30_000);
  });
});
