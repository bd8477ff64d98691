import { useEffect, useRef, useState } from 'react';
import { dashAddress, hlsAddress, linkOf } from '../api/addresses';
import type { components } from '../api/schema';
import { parseShown, type Stream } from '../api/streams';
import { wasSignedIn } from '../session/hint';
import type { EngineKind } from './engine';
import type { Phase } from './status';

/** Where a stream is watched, with a pass in the addresses where it is not public. */
export interface Entrance {
  hls: string;
  dash: string;
  /** When the pass ends, epoch milliseconds; null: there is none. */
  expires: number | null;
  /** Why there is no pass, where it is known that one is needed; "": nothing is wrong. */
  refused: string;
  /** What the pass opens; null without one, and while it is not on the air. */
  shown: Stream | null;
  /** The channel that a pass opens, as everybody may see it; null without one. */
  channel: Opened | null;
}

export type Opened = components['schemas']['View'];

export const plain = (name: string): Entrance => ({ hls: hlsAddress(name), dash: dashAddress(name), expires: null, refused: '', shown: null, channel: null });

/** The address that an engine plays. WebRTC's is beside the others, below the same pass. */
export function addressFor(at: Entrance, kind: EngineKind): string {
  if (kind === 'dash') return at.dash;
  return kind === 'whep' ? at.hls.replace(/[^/]*$/, 'whep') : at.hls;
}

/** A pass is asked for anew so long before it ends. */
const EARLY_MS = 5 * 60_000;
/** A pass that does not hold any more is asked for anew at most so often. */
const AGAIN_MS = 30_000;
/** What a pass opens is in no list, so it is asked for this often while somebody looks. */
const LOOK_MS = 60_000;
/** What has just begun is known to the whole server so soon. */
const SOON_MS = 2_000;

const over = (phase: Phase): boolean => phase === 'ended' || phase === 'error';

/** How long to wait before a pass, and what it opens, is asked for anew. */
export const renewIn = (expires: number, now: number): number => Math.min(LOOK_MS, Math.max(AGAIN_MS, expires - now - EARLY_MS));

const opened = (v: unknown): Opened | null => (typeof v === 'object' && v !== null && typeof (v as Opened).id === 'string' ? (v as Opened) : null);

/** Reads the answer of a playback. What is no answer of ours is the plain address. */
export function entrance(name: string, status: number, body: unknown): Entrance {
  const got = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { hls, dash, pass, expires_at: ends, detail } = got;
  if (status === 403) return { ...plain(name), refused: typeof detail === 'string' ? detail : 'this link does not hold' };
  if (typeof pass !== 'string' || typeof hls !== 'string' || typeof dash !== 'string' || !hls.startsWith('/live/') || !dash.startsWith('/live/')) return plain(name);
  const expires = Date.parse(String(ends));
  return { hls, dash, expires: Number.isNaN(expires) ? null : expires, refused: '', shown: parseShown(name, got), channel: opened(got['channel']) };
}

const TAKEN_BACK = 'your right to watch it was taken back: ask its owner';

/**
 * What becomes of an entrance with the next answer. Who had a pass and gets none is not told that the stream is
 * over: its channel may be on the air. Once it is in the list again, it is for everybody.
 */
export const after = (old: Entrance, next: Entrance): Entrance =>
  ((old.expires !== null || old.refused !== '') && next.expires === null && next.refused === '' ? { ...next, refused: TAKEN_BACK } : next);

/** What becomes of an entrance that plays or waits: a pass is kept until it grows old, since with another address the player begins anew. */
export const kept = (old: Entrance, next: Entrance, now: number): Entrance =>
  (old.expires !== null && old.expires - now > 2 * EARLY_MS ? { ...old, shown: next.shown, channel: next.channel } : after(old, next));

/** Asks for a pass: as who is signed in, where somebody is. A link that does not hold is no hindrance to who needs none. */
async function ask(name: string, link: string): Promise<Entrance> {
  const got = await askWith(name, link);
  if (link === '' || got.refused === '') return got;
  const without = await askWith(name, '');
  return without.expires === null ? got : without;
}

async function askWith(name: string, link: string): Promise<Entrance> {
  const body = link === '' ? {} : { link };
  const token = wasSignedIn() ? await import('../api/client').then((m) => m.session.token()).catch(() => null) : null;
  const answer = await fetch(`/api/v1/channels/by-name/${encodeURIComponent(name)}/playback`, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
  });
  if (!answer.ok && answer.status !== 403) throw new Error(`the server answered ${answer.status}`);
  return entrance(name, answer.status, await answer.json().catch(() => null));
}

/**
 * Where a stream is watched. What the list of streams shows needs no pass, and is not held up: a pass is
 * asked for when the list does not have the name, when the address has a share link, when the pass
 * grows old, and when what was playing has ended.
 */
export function useEntrance(name: string, listed: boolean | null, phase: Phase): Entrance {
  const [at, setAt] = useState(() => plain(name));
  const [turn, setTurn] = useState(0);
  const asked = useRef(0);
  const played = useRef(false);
  const last = useRef(phase);
  const [link] = useState(() => linkOf(location.hash));
  const wanted = link !== '' || listed === false;
  const untold = at.expires !== null && at.shown === null;
  useEffect(() => {
    const later = (ms: number) => {
      const t = window.setTimeout(() => setTurn((n) => n + 1), ms);
      return () => window.clearTimeout(t);
    };
    last.current = phase;
    if (phase === 'playing') played.current = true;
    if (phase === 'playing' && untold) return later(SOON_MS);
    if (!over(phase)) return undefined;
    // What was shown may hold no longer: a reason to ask again, once. What never played waits for its turn.
    const pause = played.current ? 0 : Math.max(0, asked.current + AGAIN_MS - Date.now());
    return later(pause);
  }, [phase, untold]);
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    let timer = 0;
    const now = async () => {
      asked.current = Date.now();
      played.current = false;
      try {
        const next = await ask(name, link);
        if (gone) return;
        setAt((old) => (over(last.current) ? after(old, next) : kept(old, next, Date.now())));
        if (next.expires !== null) timer = window.setTimeout(look, renewIn(next.expires, Date.now()));
      } catch {
        if (!gone) timer = window.setTimeout(now, AGAIN_MS);
      }
    };
    const look = () => {
      if (document.hidden && last.current !== 'playing') timer = window.setTimeout(look, AGAIN_MS);
      else void now();
    };
    void now();
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- the turn is only a reason to ask
  }, [name, link, wanted, turn]);
  return at;
}
