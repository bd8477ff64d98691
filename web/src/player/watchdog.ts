/** What the video element shows at one moment. `now` is milliseconds of any clock, the rest seconds of media time. */
export interface Look {
  now: number;
  at: number;
  /** The buffered ranges in order, each from start to end. */
  ranges: [number, number][];
}

/** What is remembered from one look to the next, while the playhead should be moving. */
export interface Watch {
  at: number;
  /** Since when the playhead is there. */
  since: number;
  /** The end of what is buffered. */
  newest: number;
  /** When media arrived for the first time since nothing plays; null when none did. A jump of ours does not end the wait. */
  fed: number | null;
}

/** What to do about a playhead: nothing, put it elsewhere, or begin with a new engine. */
export type Advice = { kind: 'wait' } | { kind: 'seek'; to: number } | { kind: 'rebuild' };

/** A playhead that stands for so long before a hole is put behind it. */
const STILL_MS = 1_000;
/** Media has been arriving for so long and nothing plays: the engine is beyond help. */
const FED_MS = 5_000;
/** How far into a range the playhead is put, and how little of one is as good as nothing, in seconds. */
const INSIDE = 0.05;
const CRUMB = 0.1;

const WAIT: Advice = { kind: 'wait' };

/** Where playback can go on when the playhead is in a hole or before everything; null when it is in a range. */
function beyond({ at, ranges }: Look): number | null {
  if (ranges.some(([start, end]) => at >= start && at < end - CRUMB)) return null;
  const next = ranges.find(([start, end]) => start > at && end - start > CRUMB);
  return next ? next[0] + INSIDE : null;
}

/** Judges a playhead that ought to move. `before` is null at the first look, and after a pause or a seek of the viewer. */
export function judge(before: Watch | null, look: Look): [Watch, Advice] {
  const newest = look.ranges.at(-1)?.[1] ?? 0;
  if (before === null || Math.abs(look.at - before.at) > 0.001) {
    return [{ at: look.at, since: look.now, newest, fed: null }, WAIT];
  }
  const grown = newest > before.newest + 0.001;
  const watch: Watch = { ...before, newest, fed: before.fed ?? (grown ? look.now : null) };
  if (watch.fed !== null && look.now - watch.fed >= FED_MS) return [watch, { kind: 'rebuild' }];
  const to = beyond(look);
  if (to === null || look.now - watch.since < STILL_MS) return [watch, WAIT];
  return [{ ...watch, at: to, since: look.now }, { kind: 'seek', to }];
}

/** Looks at a video element. */
export function lookAt(video: HTMLVideoElement, now: number): Look {
  const { buffered } = video;
  const ranges = Array.from({ length: buffered.length }, (_, i): [number, number] => [buffered.start(i), buffered.end(i)]);
  return { now, at: video.currentTime, ranges };
}
