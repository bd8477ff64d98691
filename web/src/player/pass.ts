import { useEffect, useRef, useState } from 'react';
import { dashAddress, hlsAddress } from '../api/streams';
import { wasSignedIn } from '../session/hint';
import type { Phase } from './status';

/** Where a stream is watched, with a pass in the addresses where it is not public. */
export interface Entrance {
  hls: string;
  dash: string;
  /** When the pass ends, epoch milliseconds; null: there is none. */
  expires: number | null;
  /** Why a share link does not hold; "": nothing is wrong. */
  refused: string;
}

export const plain = (name: string): Entrance => ({ hls: hlsAddress(name), dash: dashAddress(name), expires: null, refused: '' });

/** The secret of a share link, which stands behind # and so is sent to no server. */
export const linkOf = (hash: string): string => new URLSearchParams(hash.replace(/^#/, '')).get('share') ?? '';

/** A pass is asked for anew so long before it ends. */
const EARLY_MS = 5 * 60_000;
/** A pass that does not hold any more is asked for anew at most so often. */
const AGAIN_MS = 30_000;

/** How long to wait before a pass is asked for anew, at most what timers can wait for. */
export const renewIn = (expires: number, now: number): number => Math.min(2 ** 31 - 1, Math.max(AGAIN_MS, expires - now - EARLY_MS));

/** Reads the answer of a playback. What is no answer of ours is the plain address. */
export function entrance(name: string, status: number, body: unknown): Entrance {
  const got = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { hls, dash, pass, expires_at: ends, detail } = got;
  if (status === 403) return { ...plain(name), refused: typeof detail === 'string' ? detail : 'this link does not hold' };
  if (typeof pass !== 'string' || typeof hls !== 'string' || typeof dash !== 'string' || !hls.startsWith('/live/') || !dash.startsWith('/live/')) return plain(name);
  const expires = Date.parse(String(ends));
  return { hls, dash, expires: Number.isNaN(expires) ? null : expires, refused: '' };
}

/** Asks for a pass: as who is signed in, where somebody is. */
async function ask(name: string, link: string): Promise<Entrance> {
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
  const playing = useRef(false);
  const [link] = useState(() => linkOf(location.hash));
  const wanted = link !== '' || listed === false;
  useEffect(() => {
    playing.current = phase === 'playing';
    const over = phase === 'ended' || phase === 'error';
    // What was shown may hold no longer: a reason to ask again, once.
    // oxlint-disable-next-line react/set-state-in-effect
    if (over && Date.now() - asked.current >= AGAIN_MS) setTurn((t) => t + 1);
  }, [phase]);
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    let timer = 0;
    const now = async () => {
      asked.current = Date.now();
      try {
        const next = await ask(name, link);
        if (gone) return;
        // A pass that plays is kept until it grows old: with another address the picture begins anew.
        setAt((old) => (playing.current && old.expires !== null && old.expires - Date.now() > 2 * EARLY_MS ? old : next));
        if (next.expires !== null) timer = window.setTimeout(now, renewIn(next.expires, Date.now()));
      } catch {
        if (!gone) timer = window.setTimeout(now, AGAIN_MS);
      }
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
