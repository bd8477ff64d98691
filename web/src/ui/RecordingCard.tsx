import { useState } from 'react';
import { titleOf, type Recording } from '../api/recordings';
import { clock } from '../format';
import { Day } from './Day';
import { Link } from './Link';
import { Mark } from './Mark';

/** The picture of a recording, with its length. Decorative: its name is beside it. */
export function RecordingThumb({ recording: r }: { recording: Recording }) {
  const [missing, setMissing] = useState(false); // it comes some seconds after the end
  const picture = r.media?.thumbnail ?? '';
  return (
    <span className="thumb">
      {picture === '' || missing ? <Mark size={56} /> : <img src={picture} alt="" loading="lazy" decoding="async" onError={() => setMissing(true)} />}
      <span className="badge thumb-length">{clock(r.duration)}</span>
    </span>
  );
}

/** A recording as a card that leads to its page. */
export function RecordingCard({ recording: r }: { recording: Recording }) {
  return (
    <li className="card">
      <Link to={`/replay/${r.id}`}>
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
