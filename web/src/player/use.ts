import { useCallback, useRef, useState, useSyncExternalStore, type RefObject } from 'react';
import type { EngineKind } from './engine';
import type { Face, Snapshot } from './face';
import { makeVideo } from './video';

const never = () => () => {};

/** The video element of a player: the one that it is given, or its own. */
export function useVideo(given: HTMLVideoElement | null = null): RefObject<HTMLVideoElement | null> {
  const [video] = useState(() => given ?? makeVideo());
  return useRef(video);
}

/** What a player's face is drawn from; null before there is a controller. */
export function useSnapshot(face: Face | null): Snapshot | null {
  return useSyncExternalStore(face?.subscribe ?? never, face?.get ?? (() => null));
}

/** The engines that a viewer may choose, of what is live and of what is recorded. The first is the usual one. */
export const LIVE: EngineKind[] = ['hls', 'whep', 'dash'];
export const RECORDED: EngineKind[] = ['hls', 'dash'];

/** The engine that the address asks for, such as ?engine=dash, where it is among those offered; else LL-HLS. */
export function useEngine(offered: EngineKind[]): [EngineKind, (kind: EngineKind) => void] {
  const [kind, setKind] = useState<EngineKind>(() => {
    const asked = new URLSearchParams(location.search).get('engine');
    return offered.find((k) => k === asked) ?? 'hls';
  });
  const choose = useCallback((next: EngineKind) => {
    history.replaceState(null, '', next === 'hls' ? location.pathname : `?engine=${next}`);
    setKind(next);
  }, []);
  return [kind, choose];
}
