import { useEffect, useLayoutEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode, type RefObject } from 'react';
import { Controls } from './Controls';
import type { EngineKind } from './engine';
import type { Face, Snapshot } from './face';
import { Help } from './Help';
import { Overlay } from './Overlay';
import { qualities } from './quality';
import { toggleFullscreen } from './screen';
import { controllable, phase, type Phase, type Status, type Words } from './status';
import type { Strip } from './strip';
import { useAwake } from './useAwake';
import { useKeys } from './useKeys';

interface Props {
  root: RefObject<HTMLElement | null>;
  /** Of useVideo; it is put into the page here. */
  video: RefObject<HTMLVideoElement | null>;
  /** What the player and its picture are called. */
  label: string;
  picture: string;
  poster?: string;
  controller: Face | null;
  snap: Snapshot | null;
  kind: EngineKind;
  setKind: (kind: EngineKind) => void;
  renditions: string[];
  /** Bits per second of the source as the server measured it; 0 when not known. */
  measured: number;
  say: (status: Status) => Words | null;
  /** Of a recording; null: it is live. */
  recorded: { strip: Strip } | null;
  onPhase: (phase: Phase) => void;
  /** Lies over the picture. */
  children?: ReactNode;
}

/**
 * The video with its controls, whatever is played. For scripts it shows data-state (waiting, playing,
 * offline, error, ended), data-latency (seconds), data-rendition ("source", "480p"), data-engine and, where
 * there are several, data-sound (what is heard is called). By WebRTC neither latency nor rendition is known.
 */
export function Stage({ root, video, label, picture, poster = '', controller, snap, kind, setKind, renditions, measured, say, recorded, onPhase, children }: Props) {
  const [help, setHelp] = useState(false);
  const state: Phase = snap === null ? 'waiting' : phase(snap.status);
  const list = useMemo(() => qualities(snap?.rungs ?? [], renditions, measured), [snap?.rungs, renditions, measured]);
  const usable = snap !== null && controllable(snap.status);
  const awake = useAwake(root, usable && !snap.paused);
  useEffect(() => onPhase(state), [onPhase, state]);
  useKeys(root, controller, () => setHelp((h) => !h));
  return (
    <section
      ref={root} className="player" aria-label={label} tabIndex={-1}
      data-state={state} data-engine={kind} data-awake={awake}
      data-paused={snap?.paused ?? false}
      data-latency={snap?.latency?.toFixed(2)}
      data-rendition={list.find((q) => q.index === snap?.current)?.rendition}
      data-sound={snap && snap.sounds.length > 1 ? snap.sounds.find((s) => s.index === snap.heard)?.name : undefined}
    >
      <Picture root={root} video={video} label={picture} poster={poster} controller={controller} awake={awake} />
      {children}
      {snap && controller && <Overlay say={say} snap={snap} controller={controller} />}
      {snap && controller && usable && (
        <Controls root={root} video={video} snap={snap} controller={controller} qualities={list} kind={kind} setKind={setKind} openHelp={() => setHelp(true)} recorded={recorded} />
      )}
      {snap && controller && !usable && <EngineNote snap={snap} kind={kind} setKind={setKind} />}
      <Help open={help} close={() => setHelp(false)} live={recorded === null} />
    </section>
  );
}

interface PictureProps {
  root: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  label: string;
  poster: string;
  controller: Face | null;
  awake: boolean;
}

/** A mouse click plays and pauses, a double click fills the screen; a tap only shows or hides the controls. */
function Picture({ root, video, label, poster, controller, awake }: PictureProps) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    place.current?.append(element); // it may play already
    return () => element.remove();
  }, [video]);
  useLayoutEffect(() => {
    video.current?.setAttribute('aria-label', label);
    if (poster !== '') video.current?.setAttribute('poster', poster);
  }, [video, label, poster]);
  const pressed = (e: PointerEvent) => {
    if (e.button !== 0) return;
    if (e.pointerType === 'mouse') controller?.toggle();
    else if (awake) root.current?.dispatchEvent(new Event('weir:sleep'));
  };
  const twice = () => {
    if (root.current && video.current) toggleFullscreen(root.current, video.current);
  };
  return (
    <div ref={place} className="picture-place" onPointerUp={pressed} onDoubleClick={twice} />
  );
}

/** The way to LL-HLS when the other player does not get a picture; by WebRTC also while nothing is there, since the menu is not either. */
function EngineNote({ snap, kind, setKind }: { snap: Snapshot; kind: EngineKind; setKind: (k: EngineKind) => void }) {
  const lost = kind === 'whep' && ['offline', 'ended', 'unreachable'].includes(snap.status);
  if (snap.status !== 'broken' && !lost) return null;
  const other: EngineKind = kind === 'hls' ? 'dash' : 'hls';
  return (
    <button type="button" className="button engine-note" onClick={() => setKind(other)}>
      Try {other === 'dash' ? 'DASH' : 'HLS'} instead
    </button>
  );
}
