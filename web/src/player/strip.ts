import { useEffect, useState } from 'react';

/** A small picture of a recording: a part of a sheet, in pixels of it. */
export interface Still {
  from: number;
  to: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The pictures of a recording in their order; none where it has none. */
export type Strip = readonly Still[];

const CUE = /^(?:(\d+):)?(\d\d):(\d\d\.\d{3}) --> (?:(\d+):)?(\d\d):(\d\d\.\d{3})[^\n]*\n([^\n#]+)#xywh=(\d+),(\d+),(\d+),(\d+)$/;

const time = (hours: string | undefined, minutes = '0', rest = '0'): number => Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(rest);

/** Reads a WebVTT text whose cues are parts of pictures. `base` is its address, from where those of the pictures are told; others than its own are left out. */
export function parseStrip(text: string, base: string): Still[] {
  const folder = base.replace(/[^/]*$/, '');
  return text.replaceAll('\r\n', '\n').split(/\n{2,}/).flatMap((cue) => {
    const m = CUE.exec(cue.trim().replace(/^[^\n]*\n(?=[^\n]* --> )/, ''));
    const file = m?.[7] ?? '';
    if (m === null || !/^[\w-][\w.-]*$/.test(file)) return [];
    const [x = 0, y = 0, width = 0, height = 0] = m.slice(8).map(Number);
    return [{ from: time(m[1], m[2], m[3]), to: time(m[4], m[5], m[6]), url: `${folder}${file}`, x, y, width, height }];
  });
}

/** The picture of a time, or null. */
export function stillAt(strip: Strip, at: number): Still | null {
  return strip.filter((s) => s.from <= at).at(-1) ?? strip[0] ?? null;
}

/** The pictures of a recording, read once; none until then, and where there are none. `url` is "" when it has none. */
export function useStrip(url: string): Strip {
  const [strip, setStrip] = useState<Strip>([]);
  useEffect(() => {
    if (url === '') return undefined;
    const leave = new AbortController();
    const ask = async () => {
      const answer = await fetch(url, { signal: leave.signal });
      if (answer.ok) setStrip(parseStrip(await answer.text(), url));
    };
    ask().catch(() => {}); // it is played without
    return () => leave.abort();
  }, [url]);
  return strip;
}
