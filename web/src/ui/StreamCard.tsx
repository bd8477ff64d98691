import { useEffect, useState } from 'react';
import { soundOnly, type Stream } from '../api/streams';
import { frameRate, liveFor, people } from '../format';
import { lines } from '../player/quality';
import { Link } from './Link';
import { Mark } from './Mark';

/** How often a thumbnail is asked for again. */
const REFRESH_MS = 10_000;

/** The address of the picture, with a word that changes every ten seconds. */
const fresh = (address: string, now: number) => `${address}?t=${Math.floor(now / REFRESH_MS)}`;

function Thumbnail({ stream, now }: { stream: Stream; now: number }) {
  const wanted = stream.thumbnail === '' || soundOnly(stream) ? '' : fresh(stream.thumbnail, now);
  const [shown, setShown] = useState('');
  // The old picture stays until the new one is there, and also when the new one does not come.
  useEffect(() => {
    if (wanted === '') return undefined;
    const next = new Image();
    const arrived = () => setShown(wanted);
    next.addEventListener('load', arrived);
    next.src = wanted;
    return () => next.removeEventListener('load', arrived);
  }, [wanted]);
  return (
    <span className="thumb">
      {shown === '' ? <Mark size={56} /> : <img src={shown} alt="" decoding="async" />}
      <span className="badge badge-live">Live</span>
      {stream.mature && <span className="badge thumb-mature">18+</span>}
    </span>
  );
}

/** A live stream as a card that leads to its watch page. `now` is epoch milliseconds and moves every few seconds. */
export function StreamCard({ stream, now }: { stream: Stream; now: number }) {
  const facts = soundOnly(stream) ? 'Audio only' : [lines(stream.width, stream.height), frameRate(stream.frameRate)].filter(Boolean).join(' · ');
  return (
    <li className="card">
      <Link to={stream.watch}>
        <Thumbnail stream={stream} now={now} />
        <span className="card-text">
          <span className="card-name">{stream.title || stream.name}</span>
          <span className="card-facts">{facts}</span>
          <span className="card-since">{[
            stream.title === '' ? '' : stream.name, stream.category, stream.viewers > 0 ? people(stream.viewers, 'viewer') : '',
            stream.startedAt === null ? '' : liveFor(stream.startedAt, now),
          ].filter(Boolean).join(' · ')}</span>
        </span>
      </Link>
    </li>
  );
}
