import { describe, expect, it } from 'vitest';
import { action, type Focus } from './keys';
import { isBehind, timeline } from './latency';
import { coding, lines, qualities } from './quality';
import { pauseBefore, RENEW_MS } from './retry';
import { afterFailure, afterSilence, controllable, phase, words, type Status } from './status';

const ALL: Status[] = [
  'connecting', 'starting', 'playing', 'buffering', 'reconnecting', 'refused', 'offline', 'ended', 'unreachable', 'broken', 'unsupported',
];

describe('status', () => {
  it('has words or a picture in every state', () => {
    for (const s of ALL) {
      if (['offline', 'error', 'ended'].includes(phase(s))) expect(words(s, 'demo')?.title, s).toBeTruthy();
      if (controllable(s)) expect(['playing', 'waiting']).toContain(phase(s));
    }
    expect(words('offline', 'demo')?.title).toBe('demo is offline');
    expect(words('playing', 'demo')).toBeNull();
  });

  it.each([
    ['absent', false, 'connecting', 'offline'],
    ['absent', true, 'playing', 'ended'],
    ['absent', false, 'ended', 'ended'],
    ['absent', false, 'unreachable', 'offline'],
    ['network', true, 'playing', 'unreachable'],
    ['media', false, 'starting', 'broken'],
    ['denied', true, 'playing', 'refused'],
    ['denied', false, 'ended', 'refused'],
    ['unfit', false, 'starting', 'broken'],
    ['hole', true, 'playing', 'reconnecting'],
    ['hole', false, 'reconnecting', 'reconnecting'],
    ['absent', false, 'reconnecting', 'ended'],
  ] as const)('%s, played %s, after %s is %s', (why, played, before, want) => {
    expect(afterFailure(why, played, before)).toBe(want);
  });
});

describe('a long silence', () => {
  it.each([
    ['connecting', 'offline'], ['unreachable', 'offline'], ['broken', 'offline'], ['reconnecting', 'ended'],
    ['ended', 'ended'], ['offline', 'offline'], ['unsupported', 'unsupported'],
  ] as const)('after %s means %s', (before, want) => {
    expect(afterSilence(before)).toBe(want);
  });
});

describe('retry', () => {
  it('asks anew before the server gives up holding', () => {
    expect(RENEW_MS).toBeLessThan(10_000);
  });

  it.each([
    [10_000, 1, 0], [2_000, 5, 0], [1_999, 1, 1_000], [0, 0, 1_000], [20, 3, 3_000], [20, 50, 4_000],
  ])('after %d ms, %d quick failures: %d ms', (took, failures, want) => {
    expect(pauseBefore(took, failures)).toBe(want);
  });
});

const ranges = (...r: [number, number][]): TimeRanges => ({
  length: r.length,
  start: (i: number) => r[i]![0],
  end: (i: number) => r[i]![1],
});

describe('latency', () => {
  it.each([
    [1.2, 1, false, false], [4.1, 1, false, true], [null, 1, false, false], [null, null, true, true],
    [8.9, null, false, false], [9.1, null, false, true],
  ])('%s with target %s, paused %s: behind %s', (latency, target, paused, want) => {
    expect(isBehind(latency, target, paused)).toBe(want);
  });

  it('offers a timeline only where it is worth it', () => {
    expect(timeline(ranges(), null, 0)).toBeNull();
    expect(timeline(ranges([0, 19]), null, 5)).toBeNull();
    expect(timeline(ranges([0, Infinity]), null, 5)).toBeNull();
    expect(timeline(ranges([10, 70]), null, 5)).toEqual({ start: 10, end: 70, at: 10 });
    expect(timeline(ranges([10, 70]), 69, 69.5)).toEqual({ start: 10, end: 69, at: 69 });
  });
});

describe('quality', () => {
  const rungs = [
    { index: 0, width: 640, height: 360, bitrate: 800_000 },
    { index: 1, width: 1280, height: 720, bitrate: 2_500_000 },
    { index: 2, width: 854, height: 480, bitrate: 1_400_000 },
  ];

  it('names them, best first', () => {
    expect(qualities(rungs, ['source', '480p', '360p']).map((q) => [q.index, q.label, q.rendition])).toEqual([
      [1, '720p, source', 'source'], [2, '480p', '480p'], [0, '360p', '360p'],
    ]);
  });

  it('believes the list when the source is re-encoded', () => {
    expect(qualities(rungs, ['720p', '480p'])[0]).toMatchObject({ label: '720p', rendition: '720p' });
  });

  it('tells what the publisher sent in another coding', () => {
    const own = { index: 3, width: 1280, height: 720, bitrate: 3_000_000, ...coding('av01.0.05M.08') };
    expect(qualities([...rungs, own], ['source', '480p', '360p', 'original']).map((q) => [q.index, q.label, q.rendition])).toEqual([
      [3, '720p, AV1', 'original'], [1, '720p, source', 'source'], [2, '480p', '480p'], [0, '360p', '360p'],
    ]);
    expect([coding('hvc1.1.6.L93.90'), coding('vp09.00.31.08'), coding('avc1.64001f'), coding(null)]).toEqual([{ coding: 'H.265' }, { coding: 'VP9' }, {}, {}]);
  });

  it('copes with portrait, sound only and nothing', () => {
    expect(lines(720, 1280)).toBe('720p');
    expect(lines(0, 0)).toBe('');
    expect(qualities([{ index: 0, width: 0, height: 0, bitrate: 128_000 }], ['source'])[0]?.label).toBe('Audio, source');
    expect(qualities([{ index: 0, width: 0, height: 0, bitrate: 128_000 }], ['audio'])[0]).toMatchObject({ label: 'Audio', rendition: 'audio' });
    expect(qualities([{ index: 0, width: 0, height: 0, bitrate: 136_000 }], [], 69_600)[0]).toMatchObject({ label: 'Audio, source', bitrate: 69_600 });
    expect(qualities(rungs, [], 69_600)[0]).toMatchObject({ bitrate: 2_500_000 });
    expect(qualities([], [])).toEqual([]);
  });
});

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

describe('keys', () => {
  it.each([
    [' ', 'page', 'toggle'], [' ', 'player', 'toggle'], [' ', 'button', null], [' ', 'elsewhere', null],
    ['k', 'button', 'toggle'], ['K', 'page', 'toggle'], ['m', 'elsewhere', 'mute'], ['f', 'page', 'fullscreen'],
    ['l', 'page', 'live'], ['?', 'page', 'help'], ['ArrowUp', 'player', 'louder'], ['ArrowDown', 'page', 'quieter'],
    ['ArrowUp', 'elsewhere', null], ['ArrowLeft', 'button', 'back'], ['ArrowRight', 'page', 'forward'],
    ['k', 'field', null], ['x', 'page', null], ['constructor', 'page', null],
  ] as [string, Focus, string | null][])('%j on %s: %s', (key, focus, want) => {
    expect(action(press(key), focus)).toBe(want);
  });

  it('leaves the browser its own shortcuts', () => {
    for (const held of ['ctrlKey', 'metaKey', 'altKey']) expect(action(press('f', { [held]: true }), 'page')).toBeNull();
  });
});
