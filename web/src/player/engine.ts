/** What can play the stream: LL-HLS by hls.js, DASH by dash.js, WebRTC (WHEP), or the browser's own HLS. */
export type EngineKind = 'hls' | 'dash' | 'whep' | 'native';

/** One quality that the stream offers, in the order and with the index that the engine uses. */
export interface Rung {
  index: number;
  width: number;
  height: number;
  /** Bits per second as the playlist tells it. */
  bitrate: number;
  /** "AV1": how the publisher's own picture is coded where not all browsers can play it. */
  coding?: string;
}

/** One of several sounds to the same picture, such as another language, with the index that the engine uses. */
export interface Sound {
  index: number;
  /** What people call it, by which it is known in the next attempt too. */
  name: string;
}

/**
 * Why an engine gave up. "absent": the stream is not there (404, or a playlist that has ended
 * before anything was played). "network": no answer. "media": the browser could not play it. "hole":
 * media that the stream speaks of is not there, as after a drop of the publisher. "denied": the
 * address does not hold any more (401, 403), and asking it again is of no use. "unfit": this way of
 * watching is not possible here, by the browser, the network or the server; another one may be.
 */
export type Failure = 'absent' | 'network' | 'media' | 'hole' | 'denied' | 'unfit';

/** What an engine tells its owner. None is called after destroy. */
export interface EngineEvents {
  /** The multivariant playlist or MPD is here: the stream is live. */
  found(): void;
  /** The qualities, when they become known or change. */
  rungs(rungs: Rung[]): void;
  /** The sounds to choose among, when they become known or change, and which one is heard. */
  sounds(sounds: Sound[], heard: number): void;
  /** Index of the rung whose picture is on screen. */
  rendition(index: number): void;
  /** The engine cannot go on. It is destroyed by the owner, who makes a new one. */
  failed(why: Failure): void;
}

/** One attempt at one address. It is thrown away when it fails, and a new one is made. */
export interface Engine {
  /** Seconds behind the newest media of the server, null while not known. */
  latency(): number | null;
  /** The latency in seconds that the engine aims at, null while not known. */
  target(): number | null;
  /** Moves the playhead to the live edge. */
  goLive(): void;
  /** Whether to catch up with the live edge, as at the start. Not while the viewer is behind by choice. */
  follow(live: boolean): void;
  /** -1 lets the engine choose. */
  select(index: number): void;
  /** Chooses what is heard. */
  hear(index: number): void;
  destroy(): void;
}

/** Starts an attempt. The video element keeps its mute, volume and listeners. `recorded`: it has a beginning and an end, and is played from there. */
export type StartEngine = (video: HTMLVideoElement, url: string, events: EngineEvents, recorded?: boolean) => Engine;
