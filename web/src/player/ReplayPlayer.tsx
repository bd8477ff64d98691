import { useEffect, useRef, useState, type RefObject } from 'react';
import type { EngineKind } from './engine';
import { load } from './load';
import { Replay } from './replay';
import { Stage } from './Stage';
import { recordedWords } from './status';
import { useStrip } from './strip';
import { RECORDED, useEngine, useSnapshot } from './use';

interface Props {
  title: string;
  hls: string;
  dash: string;
  /** Addresses of a picture, and of the text that tells of small ones; "" for none. */
  poster: string;
  storyboard: string;
  renditions: string[];
  /** Where to begin, in seconds. */
  at: number;
  /** Is given the way to ask where the playhead is. */
  video: RefObject<HTMLVideoElement | null>;
}

function useReplay(video: RefObject<HTMLVideoElement | null>, url: string, kind: EngineKind, at: number): Replay | null {
  const [replay, setReplay] = useState<Replay | null>(null);
  useEffect(() => {
    if (video.current === null) return undefined;
    const made = new Replay(video.current, { url, kind, load }, at);
    // The controller needs the element, so there is none before the first effect.
    // oxlint-disable-next-line react/set-state-in-effect
    setReplay(made);
    return () => made.close();
  }, [video, url, kind, at]);
  return replay;
}

const ignore = () => {};

/** The player of a recording. */
export function ReplayPlayer({ title, hls, dash, poster, storyboard, renditions, at, video }: Props) {
  const root = useRef<HTMLElement>(null);
  const [kind, setKind] = useEngine(RECORDED);
  const replay = useReplay(video, kind === 'dash' ? dash : hls, kind, at);
  const snap = useSnapshot(replay);
  const strip = useStrip(storyboard);
  return (
    <Stage root={root} video={video} label={`Player of ${title}`} picture={`Recorded video of ${title}`} poster={poster} controller={replay} snap={snap} kind={kind} setKind={setKind}
      renditions={renditions} measured={0} say={recordedWords} recorded={{ strip }} onPhase={ignore} />
  );
}
