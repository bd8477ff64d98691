import { useCallback, useState, useSyncExternalStore } from 'react';
import type { EngineKind } from './engine';
import type { Face, Snapshot } from './face';

const never = () => () => {};

/** What a player's face is drawn from; null before there is a controller. */
export function useSnapshot(face: Face | null): Snapshot | null {
  return useSyncExternalStore(face?.subscribe ?? never, face?.get ?? (() => null));
}

/** The engine that the address asks for: ?engine=dash, else LL-HLS. */
export function useEngine(): [EngineKind, (kind: EngineKind) => void] {
  const [kind, setKind] = useState<EngineKind>(() =>
    new URLSearchParams(location.search).get('engine') === 'dash' ? 'dash' : 'hls');
  const choose = useCallback((next: EngineKind) => {
    history.replaceState(null, '', next === 'dash' ? '?engine=dash' : location.pathname);
    setKind(next);
  }, []);
  return [kind, choose];
}
