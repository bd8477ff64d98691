import { useEffect, useState } from 'react';
import type { Recording } from '../../api/recordings';

/** The pictures come some seconds after the end: they are asked for this long after it, and so often, this far apart. */
const YOUNG_MS = 3_000;
const TRIES = 6;
const AGAIN_MS = 3_000;

/** How long to wait before the pictures of a recording are asked for. */
export function wait(r: Pick<Recording, 'kind' | 'created_at' | 'started_at' | 'duration'>, now: number): number {
  const end = r.kind === 'clip' ? Date.parse(r.created_at) : Date.parse(r.started_at) + r.duration * 1000;
  return Math.min(YOUNG_MS, Math.max(0, end + YOUNG_MS - now));
}

/** The address of a recording's picture, "" until it is there. */
export function usePicture(r: Recording): string {
  const [there, setThere] = useState('');
  const url = r.state === 'ready' ? (r.media?.thumbnail ?? '') : '';
  useEffect(() => {
    if (url === '') return undefined;
    let timer = 0;
    let tries = 0;
    const probe = new Image();
    const ask = () => { probe.src = tries === 0 ? url : `${url}?try=${tries}`; };
    probe.addEventListener('load', () => setThere(probe.src));
    probe.addEventListener('error', () => {
      tries++;
      if (tries < TRIES) timer = window.setTimeout(ask, AGAIN_MS);
    });
    timer = window.setTimeout(ask, wait(r, Date.now()));
    return () => {
      window.clearTimeout(timer);
      tries = TRIES;
      probe.src = '';
    };
    // oxlint-disable-next-line react/exhaustive-deps, react/exhaustive-effect-dependencies -- what else is told of the recording changes no picture
  }, [url]);
  return there;
}
