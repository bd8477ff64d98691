import type { EngineEvents, Failure } from './engine';
import { Face, type Source } from './face';
import type { EngineModule } from './load';
import { pauseBefore } from './retry';
import { controllable, type Status } from './status';

const SPINNER_AFTER_MS = 400;

const AFTER: Record<Failure, Status> = { absent: 'offline', network: 'unreachable', media: 'broken', hole: 'reconnecting', denied: 'refused', unfit: 'broken' };

/** Plays one recording in one video element, from where the viewer wants, and goes on there after a failure. */
export class Replay extends Face {
  /** Counts attempts: what an old one still says is not listened to. */
  private attempt = 0;
  private failures = 0;
  /** Where an attempt begins, and whether it plays by itself: the first one waits for the viewer. */
  private at: number;
  private wanted = false;
  private next = 0;
  private slow = 0;

  /** `at` is where to begin, in seconds. */
  constructor(video: HTMLVideoElement, private readonly source: Source, at = 0) {
    super(video);
    this.at = at;
    this.set({ muted: video.muted, offerSound: false });
    this.listen();
    this.next = window.setTimeout(() => this.begin(), 0);
  }

  override close(): void {
    super.close();
    this.drop();
  }

  override play(): void {
    if (this.video.ended) this.video.currentTime = 0;
    this.wanted = true;
    super.play();
  }

  override toggle(): void {
    if (!controllable(this.snapshot.status) && !this.snapshot.blocked) return;
    if (this.video.paused || this.video.ended) this.play();
    else this.video.pause();
  }

  override seek(to: number): void {
    const line = this.snapshot.timeline;
    if (!line) return;
    this.video.currentTime = Math.min(Math.max(0, to), line.end);
    this.tick();
  }

  /** A recording has no live edge. */
  override goLive(): void {}

  override again(): void {
    this.failures = 0;
    this.set({ status: 'connecting' });
    this.begin();
  }

  private begin(): void {
    this.drop();
    const mine = this.attempt;
    this.source.load(this.source.kind).then(
      (module) => {
        if (mine !== this.attempt) return;
        if (module === null) this.set({ status: 'unsupported' });
        else this.ask(module, mine);
      },
      () => this.failed('network', mine),
    );
  }

  private ask(module: EngineModule, mine: number): void {
    const live = (f: () => void) => {
      if (mine === this.attempt) f();
    };
    const events: EngineEvents = {
      found: () => live(() => this.onFound()),
      rungs: (rungs) => live(() => this.set({ rungs })),
      sounds: (sounds, heard) => live(() => this.listening(sounds, heard)),
      rendition: (current) => live(() => this.set({ current })),
      failed: (why) => this.failed(why, mine),
    };
    this.engine = module.start(this.video, this.source.url, events, true);
  }

  private onFound(): void {
    if (this.wanted) this.set({ status: 'starting' });
    else this.set({ status: 'starting', blocked: true, paused: true });
  }

  private failed(why: Failure, mine: number): void {
    if (mine !== this.attempt) return;
    this.failures++;
    this.at = this.video.currentTime || this.at;
    this.drop();
    this.set({ status: AFTER[why], blocked: false });
    if (why !== 'absent' && why !== 'denied') this.next = window.setTimeout(() => this.begin(), pauseBefore(0, this.failures));
  }

  /** Lets go of the current attempt. */
  private drop(): void {
    this.attempt++;
    window.clearTimeout(this.next);
    window.clearTimeout(this.slow);
    this.engine?.destroy();
    this.engine = null;
    this.set({ rungs: [], current: -1, selected: -1, sounds: [], heard: -1, timeline: null, soundOnly: false });
  }

  private listen(): void {
    const { video } = this;
    this.on('loadedmetadata', () => {
      if (this.at > 0) video.currentTime = this.at;
      if (this.wanted) this.play();
    });
    this.on('playing', () => this.onPlaying());
    this.on('waiting', () => {
      window.clearTimeout(this.slow);
      if (controllable(this.snapshot.status)) this.slow = window.setTimeout(() => this.set({ status: 'buffering' }), SPINNER_AFTER_MS);
    });
    for (const type of ['timeupdate', 'seeked', 'durationchange']) this.on(type, () => this.tick());
    this.on('pause', () => this.set({ paused: true }));
    this.on('ended', () => this.set({ paused: true }));
    this.on('play', () => this.set({ paused: false, blocked: false }));
    this.on('resize', () => this.set({ soundOnly: this.snapshot.status === 'playing' && video.videoWidth === 0 }));
  }

  private onPlaying(): void {
    if (this.engine === null) return;
    window.clearTimeout(this.slow);
    this.failures = 0;
    this.set({ status: 'playing', paused: this.video.paused, soundOnly: this.video.videoWidth === 0 });
    this.tick();
  }

  private tick(): void {
    const { video } = this;
    if (this.engine === null || !Number.isFinite(video.duration)) return;
    if (this.snapshot.status === 'buffering' && video.readyState > 2) this.onPlaying();
    this.set({ timeline: { start: 0, end: video.duration, at: video.currentTime } });
  }
}
