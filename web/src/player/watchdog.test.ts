import { describe, expect, it } from 'vitest';
import { judge, type Advice, type Look, type Watch } from './watchdog';

const wait: Advice = { kind: 'wait' };
const rebuild: Advice = { kind: 'rebuild' };

/** Looks every half second and tells what was advised; a seek is carried out. */
function run(looks: Omit<Look, 'now'>[]): Advice[] {
  let watch: Watch | null = null;
  return looks.map((look, i) => {
    const [next, advice] = judge(watch, { ...look, now: i * 500 });
    watch = next;
    return advice;
  });
}

const times = (n: number, look: (i: number) => Omit<Look, 'now'>) => Array.from({ length: n }, (_, i) => look(i));

describe('judge', () => {
  it('leaves a playhead alone that moves', () => {
    const advice = run(times(30, (i) => ({ at: i * 0.5, ranges: [[0, i * 0.5 + 2], [100, 110 + i]] })));
    expect(advice).toEqual(advice.map(() => wait));
  });

  it('waits at the end of the buffer for a publisher that is away', () => {
    const advice = run(times(60, () => ({ at: 11.1, ranges: [[8, 11.1]] })));
    expect(advice).toEqual(advice.map(() => wait));
  });

  it.each([
    ['in a hole', 16, [[8, 11.1], [18, 50.4]], 18.05],
    ['at the end of a range', 11.05, [[8, 11.1], [18, 50.4]], 18.05],
    ['before the first range', 0, [[80.5, 84]], 80.55],
    ['before a crumb', 16, [[8, 11.1], [18, 18.05], [20, 24]], 20.05],
    ['between many', 26, [[8, 11.1], [18, 25], [30, 31], [40, 50]], 30.05],
  ] as [string, number, [number, number][], number][])('goes on behind the hole: %s', (_, at, ranges, to) => {
    expect(run(times(3, () => ({ at, ranges })))).toEqual([wait, wait, { kind: 'seek', to }]);
  });

  it.each([
    ['nothing is buffered', 16, []],
    ['everything is behind it', 16, [[8, 11.1]]],
    ['it is in a range', 9, [[8, 11.1], [18, 50.4]]],
  ] as [string, number, [number, number][]][])('does not seek when %s', (_, at, ranges) => {
    expect(run(times(4, () => ({ at, ranges }))).every((a) => a.kind === 'wait')).toBe(true);
  });

  it('gives a new engine to a playhead that stands in arriving media', () => {
    const advice = run(times(12, (i) => ({ at: 9, ranges: [[8, 11 + i]] })));
    expect(advice.findIndex((a) => a.kind === 'rebuild')).toBe(11);
  });

  it('gives a new engine when a seek did not help either', () => {
    const looks = times(12, (i) => ({ at: i < 3 ? 16 : 18.05, ranges: [[8, 11.1], [18, 50 + i]] as [number, number][] }));
    expect(run(looks).filter((a) => a.kind !== 'wait')).toEqual([{ kind: 'seek', to: 18.05 }, rebuild]);
  });

  it('forgets the wait when the picture moves on', () => {
    const looks = times(12, (i) => ({ at: i < 8 ? 9 : 9 + i, ranges: [[8, 40 + i]] as [number, number][] }));
    expect(run(looks).every((a) => a.kind === 'wait')).toBe(true);
  });
});
