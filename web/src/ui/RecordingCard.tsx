import { useEffect, useState } from 'react';
import { titleOf, type Recording } from '../api/recordings';
import { clock } from '../format';
import { Day } from './Day';
import { Link } from './Link';
import { Mark } from './Mark';

/** The picture comes some seconds after the end: how often it is asked for, and how long after each time that it was not there. */
const TRIES = 6;
const AGAIN_MS = 3_000;

/** The picture of a recording, with its length. Decorative: its name is beside it. */
export function RecordingThumb({ recording: r }: { recording: Recording }) {
  const [tries, setTries] = useState(0);
  const [missing, setMissing] = useState(false);
  const picture = r.media?.thumbnail ?? '';
  useEffect(() => {
    if (!missing || tries >= TRIES) return undefined;
    const t = window.setTimeout(() => {
      setTries(tries + 1);
      setMissing(false);
    }, AGAIN_MS);
    return () => window.clearTimeout(t);
  }, [missing, tries]);
  return (
    <span className="thumb">
      {picture === '' || missing ? <Mark size={56} /> : <img src={tries === 0 ? picture : `${picture}?try=${tries}`} alt="" loading="lazy" decoding="async" onError={() => setMissing(true)} />}
      <span className="badge thumb-length">{clock(r.duration)}</span>
    </span>
  );
}

/** A recording as a card that leads to its page. */
export function RecordingCard({ recording: r, to }: { recording: Recording; to: string }) {
  return (
    <li className="card">
      <Link to={to}>
        <RecordingThumb recording={r} />
        <span className="card-text">
          <span className="card-name">{titleOf(r)}</span>
          <span className="card-facts">{r.kind === 'clip' ? 'Clip' : ''}</span>
          <span className="card-since"><Day at={r.started_at} time /></span>
        </span>
      </Link>
    </li>
  );
}
