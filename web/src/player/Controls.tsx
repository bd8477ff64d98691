import { useEffect, useState, type RefObject } from 'react';
import { clock, seconds } from '../format';
import { Icon, type IconName } from '../ui/icons';
import type { Face, Snapshot } from './face';
import type { EngineKind } from './engine';
import type { Timeline } from './latency';
import type { Quality } from './quality';
import { canFloat, toggleFloat, toggleFullscreen } from './screen';
import { Seek } from './Seek';
import { Settings } from './Settings';
import { Slider } from './Slider';
import type { Strip } from './strip';

interface Props {
  root: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  snap: Snapshot;
  controller: Face;
  qualities: Quality[];
  kind: EngineKind;
  setKind: (kind: EngineKind) => void;
  openHelp: () => void;
  /** A recording's: what its pictures are, where there are some. Null: it is live. */
  recorded: { strip: Strip } | null;
}

function Tool({ icon, label, onClick, className = '' }: { icon: IconName; label: string; onClick: () => void; className?: string }) {
  return <button type="button" className={`tool ${className}`} aria-label={label} title={label} onClick={onClick}><Icon name={icon} /></button>;
}

/** The bar under the picture. */
export function Controls({ root, video, snap, controller, qualities, kind, setKind, openHelp, recorded }: Props) {
  const full = useFullscreen();
  return (
    <div className="controls">
      {recorded && snap.timeline && <Seek line={snap.timeline} strip={recorded.strip} controller={controller} />}
      {!recorded && snap.timeline && <Rewind line={snap.timeline} live={!snap.behind} controller={controller} />}
      <div className="controls-row">
        <Tool icon={snap.paused ? 'play' : 'pause'} label={snap.paused ? 'Play (k)' : 'Pause (k)'} onClick={() => controller.toggle()} />
        <div className="sound">
          <Tool icon={snap.muted ? 'muted' : 'sound'} label={snap.muted ? 'Unmute (m)' : 'Mute (m)'} onClick={() => controller.mute(!snap.muted)} />
          <Slider className="sound-slider" label="Volume" min={0} max={1} step={0.05} value={snap.muted ? 0 : snap.volume}
            text={`${Math.round((snap.muted ? 0 : snap.volume) * 100)} percent`} onChange={(v) => controller.loudness(v)} />
        </div>
        {recorded ? <Clock line={snap.timeline} /> : <LiveEdge snap={snap} controller={controller} realTime={kind === 'whep'} />}
        <span className="gap" />
        <Settings qualities={qualities} snap={snap} controller={controller} kind={kind} setKind={setKind} live={recorded === null} openHelp={openHelp} />
        {canFloat() && <Tool icon="pip" className="tool-pip" label="Picture in picture" onClick={() => video.current && toggleFloat(video.current)} />}
        <Tool icon={full ? 'unfull' : 'full'} label={full ? 'Leave full screen (f)' : 'Full screen (f)'}
          onClick={() => root.current && video.current && toggleFullscreen(root.current, video.current)} />
      </div>
    </div>
  );
}

/** Where in a recording one is. */
function Clock({ line }: { line: Timeline | null }) {
  return line && <span className="edge-late clock-at">{clock(line.at)} / {clock(line.end)}</span>;
}

/** Shows that this is live and how late, or leads back to it. */
function LiveEdge({ snap, controller, realTime }: { snap: Snapshot; controller: Face; realTime: boolean }) {
  const late = realTime ? '' : seconds(snap.latency);
  const label = snap.behind ? 'Go to live (l)' : 'At the live edge (l)';
  return (
    <div className="edge">
      <button type="button" className="edge-button" data-behind={snap.behind} aria-label={label} title={label} onClick={() => controller.goLive()}>
        <span className="edge-dot" aria-hidden="true" />{snap.behind ? 'Go to live' : 'Live'}
      </button>
      {realTime && !snap.behind && <span className="edge-late" title="Over WebRTC, some tenths of a second behind the camera">real time</span>}
      {late !== '' && <span className="edge-late" title="How far this picture is behind the newest one on the server"><span className="visually-hidden">Latency </span>{late}</span>}
    </div>
  );
}

/** The last minutes, to go back in. At the live edge the knob rests at the end, whatever the latency is. */
function Rewind({ line, live, controller }: { line: Timeline; live: boolean; controller: Face }) {
  const long = Math.round(line.end - line.start);
  const back = live ? 0 : Math.round(line.end - line.at);
  return (
    <Slider className="rewind" label="Position" min={0} max={long} step={1}
      value={Math.max(0, long - back)} text={back === 0 ? 'live' : `${seconds(back)} behind live`}
      onChange={(v) => controller.seek(line.start + v)} />
  );
}

function useFullscreen(): boolean {
  const [full, setFull] = useState(false);
  useEffect(() => {
    const changed = () => setFull(Boolean(document.fullscreenElement));
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  return full;
}
