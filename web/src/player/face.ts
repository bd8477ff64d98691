import type { Engine, EngineKind, Rung, Sound } from './engine';
import type { Timeline } from './latency';
import type { EngineModule } from './load';
import type { Status } from './status';

/** Everything that the player's face is drawn from. A new object for every change. */
export interface Snapshot {
  status: Status;
  paused: boolean;
  /** The browser refused to start without a tap. */
  blocked: boolean;
  muted: boolean;
  volume: number;
  /** The sound is off because the page started so, and the viewer has not touched it yet. */
  offerSound: boolean;
  rungs: Rung[];
  /** The chosen rung, -1 for automatic. */
  selected: number;
  /** The rung on screen, -1 before there is one. */
  current: number;
  /** The sounds to choose among, and the index of the one that is heard. */
  sounds: Sound[];
  heard: number;
  latency: number | null;
  behind: boolean;
  timeline: Timeline | null;
  /** It plays, and there is no picture to it. */
  soundOnly: boolean;
}

const BLANK: Snapshot = {
  status: 'connecting', paused: false, blocked: false, muted: true, volume: 1, offerSound: true,
  rungs: [], selected: -1, current: -1, sounds: [], heard: -1, latency: null, behind: false, timeline: null, soundOnly: false,
};

/** What is played: one name, or one recording, through one of the engines. */
export interface Source {
  url: string;
  kind: EngineKind;
  load: (kind: EngineKind) => Promise<EngineModule | null>;
  /** Is called when the engine cannot play here at all; nothing more happens then. Not set: it is tried again. */
  unfit?: () => void;
}

/**
 * What the controls, the keyboard and the words over the picture have to do with, whatever is played.
 * It belongs to the page's only thread; after close it says nothing more.
 */
export abstract class Face {
  protected snapshot = BLANK;
  protected engine: Engine | null = null;
  /** The name of the sound that the viewer chose; null: the engine did. */
  private liked: string | null = null;
  protected readonly stop = new AbortController();
  private readonly listeners = new Set<() => void>();

  constructor(protected readonly video: HTMLVideoElement) {
    video.playsInline = true;
    this.on('volumechange', () => this.set({ muted: video.muted || video.volume === 0, volume: video.volume }));
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  };

  readonly get = (): Snapshot => this.snapshot;

  close(): void {
    this.stop.abort();
    this.listeners.clear();
  }

  play(): void {
    this.set({ blocked: false });
    this.video.play().catch((err: unknown) => {
      if (err instanceof DOMException && err.name === 'NotAllowedError') this.set({ blocked: true, paused: true });
    });
  }

  mute(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 0.5;
    this.set({ offerSound: false });
  }

  /** Sets the volume, 0 to 1; zero is mute. */
  loudness(volume: number): void {
    const v = Math.min(1, Math.max(0, Math.round(volume * 100) / 100));
    this.video.volume = v;
    this.mute(v === 0);
  }

  /** Moves the playhead by seconds within what can be rewound. */
  skip(by: number): void {
    const line = this.snapshot.timeline;
    if (line) this.seek(line.at + by);
  }

  /** Plays, or pauses. */
  abstract toggle(): void;

  /** Chooses a rung by its index, -1: the engine does. */
  select(index: number): void {
    this.engine?.select(index);
    this.set({ selected: index });
  }

  /** Chooses what is heard, by its index. */
  hear(index: number): void {
    this.liked = this.snapshot.sounds.find((s) => s.index === index)?.name ?? null;
    this.engine?.hear(index);
    this.set({ heard: index });
  }

  /** Moves the playhead to a media time. */
  abstract seek(to: number): void;

  /** Moves the playhead to the live edge, where there is one. */
  abstract goLive(): void;

  /** Makes a new attempt at once. */
  abstract again(): void;

  /** What the engine has to hear. What the viewer chose holds on where it is among it. */
  protected listening(sounds: Sound[], heard: number): void {
    this.set({ sounds, heard });
    const liked = sounds.find((s) => s.name === this.liked);
    if (liked && liked.index !== heard) this.hear(liked.index);
  }

  protected readonly on = (type: string, heard: () => void): void => {
    this.video.addEventListener(type, heard, { signal: this.stop.signal });
  };

  protected set(change: Partial<Snapshot>): void {
    const old = this.snapshot;
    const changed = Object.entries(change).some(([k, v]) => !Object.is(old[k as keyof Snapshot], v));
    if (!changed || this.stop.signal.aborted) return;
    this.snapshot = { ...old, ...change };
    for (const tell of this.listeners) tell();
  }
}
