import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type PointerEvent, type RefObject } from 'react';
import { dashAddress, hlsAddress } from '../api/streams';
import { Controller, type Snapshot } from './controller';
import { Controls } from './Controls';
import type { EngineKind } from './engine';
import { Help } from './Help';
import { load } from './load';
import { Overlay } from './Overlay';
import { qualities } from './quality';
import { controllable, phase, type Phase } from './status';
import { useAwake } from './useAwake';
import { useKeys } from './useKeys';
import { toggleFullscreen } from './screen';

interface Props {
  name: string;
  /** Whether the list of streams has the name; null before it was read. */
  listed: boolean | null;
  renditions: string[];
  /** Bits per second of the source as the server measured it; 0 when not known. */
  measured: number;
  onPhase: (phase: Phase) => void;
}

const never = () => () => {};

/** A controller that lives as long as its video element, its name and its engine. */
function useController(video: RefObject<HTMLVideoElement | null>, name: string, kind: EngineKind): Controller | null {
  const [controller, setController] = useState<Controller | null>(null);
  useEffect(() => {
    if (video.current === null) return undefined;
    const url = kind === 'dash' ? dashAddress(name) : hlsAddress(name);
    const made = new Controller(video.current, { url, kind, load });
    // The controller needs the element, so there is none before the first effect.
    // oxlint-disable-next-line react/set-state-in-effect
    setController(made);
    return () => made.close();
  }, [video, name, kind]);
  return controller;
}

/** The engine that the address asks for: ?engine=dash, else LL-HLS. */
function useEngine(): [EngineKind, (kind: EngineKind) => void] {
  const [kind, setKind] = useState<EngineKind>(() =>
    new URLSearchParams(location.search).get('engine') === 'dash' ? 'dash' : 'hls');
  const choose = useCallback((next: EngineKind) => {
    history.replaceState(null, '', next === 'dash' ? '?engine=dash' : location.pathname);
    setKind(next);
  }, []);
  return [kind, choose];
}

/**
 * The video with its controls. For scripts it shows data-state (waiting, playing, offline, error,
 * ended), data-latency (seconds), data-rendition ("source", "480p") and data-engine.
 */
export function Player({ name, listed, renditions, measured, onPhase }: Props) {
  const root = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [kind, setKind] = useEngine();
  const controller = useController(video, name, kind);
  const snap = useSyncExternalStore(controller?.subscribe ?? never, controller?.get ?? (() => null));
  const [help, setHelp] = useState(false);
  const state: Phase = snap === null ? 'waiting' : phase(snap.status);
  const list = useMemo(() => qualities(snap?.rungs ?? [], renditions, measured), [snap?.rungs, renditions, measured]);
  const usable = snap !== null && controllable(snap.status);
  const awake = useAwake(root, usable && !snap.paused);

  useEffect(() => onPhase(state), [onPhase, state]);
  useEffect(() => {
    if (listed !== null) controller?.listed(listed);
  }, [controller, listed]);
  useKeys(root, controller, () => setHelp((h) => !h));

  return (
    <section
      ref={root} className="player" aria-label={`Player of ${name}`} tabIndex={-1}
      data-state={state} data-engine={kind} data-awake={awake}
      data-paused={snap?.paused ?? false}
      data-latency={snap?.latency?.toFixed(2)}
      data-rendition={list.find((q) => q.index === snap?.current)?.rendition}
    >
      <Picture root={root} video={video} name={name} controller={controller} awake={awake} />
      {snap && controller && <Overlay name={name} snap={snap} controller={controller} />}
      {snap && controller && usable && (
        <Controls root={root} video={video} snap={snap} controller={controller} qualities={list} kind={kind} setKind={setKind} openHelp={() => setHelp(true)} />
      )}
      {snap && controller && !usable && <EngineNote snap={snap} kind={kind} setKind={setKind} />}
      <Help open={help} close={() => setHelp(false)} />
    </section>
  );
}

interface PictureProps {
  root: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  name: string;
  controller: Controller | null;
  awake: boolean;
}

/** A mouse click plays and pauses, a double click fills the screen; a tap only shows or hides the controls. */
function Picture({ root, video, name, controller, awake }: PictureProps) {
  const pressed = (e: PointerEvent) => {
    if (e.button !== 0) return;
    if (e.pointerType === 'mouse') controller?.toggle();
    else if (awake) root.current?.dispatchEvent(new Event('weir:sleep'));
  };
  const twice = () => {
    if (root.current && video.current) toggleFullscreen(root.current, video.current);
  };
  return (
    <video ref={video} playsInline preload="auto" aria-label={`Live video of ${name}`} tabIndex={-1}
      onPointerUp={pressed} onDoubleClick={twice} />
  );
}

/** The way back to LL-HLS when the other player does not get a picture. */
function EngineNote({ snap, kind, setKind }: { snap: Snapshot; kind: EngineKind; setKind: (k: EngineKind) => void }) {
  if (snap.status !== 'broken') return null;
  const other: EngineKind = kind === 'dash' ? 'hls' : 'dash';
  return (
    <button type="button" className="button engine-note" onClick={() => setKind(other)}>
      Try {other === 'dash' ? 'DASH' : 'LL-HLS'} instead
    </button>
  );
}
