/** How far behind its aim a viewer may be, in seconds, before the page offers the way to the live edge. */
const SLACK = 3;
/** The aim that is assumed where the engine does not tell one (native HLS: three target durations). */
const UNKNOWN_TARGET = 6;

/** True when the viewer is noticeably behind the live edge. */
export function isBehind(latency: number | null, target: number | null, paused: boolean): boolean {
  if (paused) return true;
  return latency !== null && latency > (target ?? UNKNOWN_TARGET) + SLACK;
}

/** The part of the stream that can be rewound into, in seconds of media time. */
export interface Timeline {
  start: number;
  end: number;
  at: number;
}

/** Rewinding is offered from this length of the window on, in seconds. */
const WORTH_IT = 20;

/** The timeline of a seekable range, or null when it is too short to be of use. */
export function timeline(seekable: TimeRanges, edge: number | null, at: number): Timeline | null {
  if (seekable.length === 0) return null;
  const start = seekable.start(0);
  const end = edge ?? seekable.end(seekable.length - 1);
  if (!Number.isFinite(start) || !Number.isFinite(end) || end - start < WORTH_IT) return null;
  return { start, end, at: Math.min(Math.max(at, start), end) };
}
