import { Icon } from '../ui/icons';
import { Mark } from '../ui/Mark';
import type { Face, Snapshot } from './face';
import { phase, type Status, type Words } from './status';

interface Props {
  /** The words of a status; null when the picture speaks for itself. */
  say: (status: Status) => Words | null;
  snap: Snapshot;
  controller: Face;
}

/** There is no pointer that could rest over something. */
const TOUCH = window.matchMedia('(hover: none)').matches;

const BUSY = new Set(['connecting', 'starting', 'buffering', 'reconnecting']);

/** What lies over the picture: words, a sign that something is under way, and the offers to start and to hear. */
export function Overlay({ say, snap, controller }: Props) {
  const text = say(snap.status);
  const still = phase(snap.status) !== 'playing' && !BUSY.has(snap.status);
  return (
    <>
      {snap.soundOnly && (
        <div className="soundonly">
          <Icon name="sound" size={56} />
          <p>Audio only</p>
        </div>
      )}
      <div className={still ? 'overlay overlay-solid' : 'overlay'} data-over={text !== null}>
        {BUSY.has(snap.status) && !snap.blocked && <span className="spinner" aria-hidden="true" />}
        {still && <Mark size={64} />}
        <div role="status" className="overlay-words">
          {text && <p className="overlay-title">{text.title}</p>}
          {text && <p className="overlay-detail">{text.detail}</p>}
          {!text && BUSY.has(snap.status) && <p className="visually-hidden">Loading</p>}
        </div>
        {(snap.status === 'broken' || snap.status === 'unreachable') && (
          <button type="button" className="button" onClick={() => controller.again()}><Icon name="retry" size={18} />Try again</button>
        )}
        {(snap.status === 'offline' || snap.status === 'ended') && <span className="listening" aria-hidden="true"><i /><i /><i /></span>}
      </div>
      {(snap.blocked || (snap.paused && snap.status === 'playing')) && (
        <button type="button" className="bigplay" aria-label="Play" onClick={() => controller.play()}><Icon name="play" size={44} /></button>
      )}
      {snap.status === 'playing' && snap.offerSound && snap.muted && !snap.blocked && (
        <button type="button" className="unmute" onClick={() => controller.mute(false)}><Icon name="muted" size={20} />{TOUCH ? 'Tap' : 'Click'} to unmute</button>
      )}
    </>
  );
}
