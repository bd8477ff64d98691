import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import { hlsAddress } from '../api/addresses';
import type { Stream } from '../api/streams';
import { Controller } from './controller';
import { takeOver } from './early';
import type { EngineKind } from './engine';
import { Fallback, UNFIT } from './Fallback';
import { load } from './load';
import { addressFor, useEntrance, type Opened } from './pass';
import { Stage } from './Stage';
import { denied, phase, words, type Phase } from './status';
import { LIVE, useEngine, useSnapshot, useVideo } from './use';

interface Props {
  name: string;
  /** Whether the list of streams has the name; null before it was read. */
  listed: boolean | null;
  /** Whether the name is a channel that who looks may know of. */
  known?: boolean;
  renditions: string[];
  /** Bits per second of the source as the server measured it; 0 when not known. */
  measured: number;
  onPhase: (phase: Phase) => void;
  /** Is told what a pass opens, which is in no list, and its channel; null: nothing. */
  onShown?: (stream: Stream | null, channel: Opened | null) => void;
}

/**
 * A controller that lives as long as its video element, its address and its engine. `begun` is the first one
 * where it plays already. `refused`: the address opens nothing. `unfit` is called when WebRTC is not possible.
 */
function useController(video: RefObject<HTMLVideoElement | null>, begun: Controller | null, url: string, kind: EngineKind, refused: boolean, unfit: () => void): Controller | null {
  const [controller, setController] = useState(begun);
  const first = useRef(begun);
  useEffect(() => {
    if (video.current === null) return undefined;
    const made = first.current ?? new Controller(video.current, { url, kind, load, ...(kind === 'whep' && { unfit }) });
    first.current = null;
    if (made.get().blocked) made.play(); // a browser may want to have the picture in the page
    if (refused) made.refuse();
    // The controller needs the element, so there is none before the first effect.
    // oxlint-disable-next-line react/set-state-in-effect
    setController(made);
    return () => made.close();
  }, [video, url, kind, refused, unfit]);
  return controller;
}

/** The player of a live stream. */
export function Player({ name, listed, known = false, renditions, measured, onPhase, onShown }: Props) {
  const root = useRef<HTMLElement>(null);
  const [begun] = useState(() => takeOver(hlsAddress(name)));
  const video = useVideo(begun?.video);
  const [kind, setKind] = useEngine(LIVE);
  const [note, setNote] = useState('');
  const choose = useCallback((next: EngineKind) => {
    setNote('');
    setKind(next);
  }, [setKind]);
  const unfit = useCallback(() => {
    setNote(UNFIT);
    setKind('hls');
  }, [setKind]);
  const [state, setState] = useState<Phase>('waiting');
  const at = useEntrance(name, listed, state);
  const controller = useController(video, begun?.controller ?? null, addressFor(at, kind), kind, at.refused !== '' && listed !== true, unfit);
  const snap = useSnapshot(controller);
  const now = snap === null ? 'waiting' : phase(snap.status);
  if (now !== state) setState(now);
  useEffect(() => onShown?.(at.shown, at.channel), [onShown, at.shown, at.channel]);
  useEffect(() => {
    // With a pass the list, which has only what is public, says nothing.
    if (listed !== null && at.expires === null) controller?.listed(listed);
  }, [controller, listed, at.expires]);
  return (
    <Stage root={root} video={video} label={`Player of ${name}`} picture={`Live video of ${name}`} controller={controller} snap={snap} kind={kind} setKind={choose}
      renditions={renditions} measured={measured} say={(status) => denied(status, name, at.refused, listed === false && !known && at.expires === null) ?? words(status, name)} recorded={null} onPhase={onPhase}>
      <Fallback words={note} close={() => setNote('')} />
    </Stage>
  );
}
