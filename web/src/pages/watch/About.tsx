import { soundOnly, type Stream } from '../../api/streams';
import { bitrate, codecName, frameRate, liveFor, people, resolution } from '../../format';
import { Copy } from '../../ui/Copy';

interface Props {
  name: string;
  stream: Stream | null;
  /** "": not known. */
  state: 'live' | 'offline' | '';
  now: number;
}

/** What is on, how many watch, and what the broadcaster sends. */
export function About({ name, stream, state, now }: Props) {
  const live = state === 'live';
  const known = live ? stream : null;
  const facts = known === null ? [] : [
    soundOnly(known) ? 'Audio only' : resolution(known.width, known.height), frameRate(known.frameRate), bitrate(known.bitrate),
    [known.videoCodec, known.audioCodec].filter(Boolean).map(codecName).join(' + '),
  ].filter(Boolean);
  const title = known?.title ?? '';
  return (
    <div className="about">
      <div className="about-words">
        <h1>{title || name}</h1>
        <p className="about-state">
          {state !== '' && <span className={live ? 'badge badge-live' : 'badge'}>{live ? 'Live' : 'Offline'}</span>}
          {title !== '' && <span className="about-name">{name}</span>}
          {known?.mature === true && <span className="badge">18+</span>}
          {known !== null && known.viewers > 0 && <span>{people(known.viewers, 'viewer')}</span>}
          {known?.startedAt != null && <Since at={known.startedAt} now={now} />}
        </p>
        {known !== null && <ul className="facts" aria-label="What the broadcaster sends">{[known.category, ...facts].filter(Boolean).map((f) => <li key={f}>{f}</li>)}</ul>}
      </div>
      <Copy text={`${location.origin}/watch/${name}`} label="Copy link" />
    </div>
  );
}

/** "live for 12 min · since 14:05". */
function Since({ at, now }: { at: number; now: number }) {
  const clock = new Date(at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
  return <span>{liveFor(at, now)} · since <time dateTime={new Date(at).toISOString()}>{clock}</time></span>;
}
