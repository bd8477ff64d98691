import type { EngineEvents, Failure } from './engine';
import { Face, type Source } from './face';
import { isBehind, timeline } from './latency';
import type { EngineModule } from './load';
import { pauseBefore, quick, RENEW_MS } from './retry';
import { afterFailure, afterSilence, controllable } from './status';
import { judge, lookAt, type Watch } from './watchdog';

/** A held question that nobody answered for this long means that nobody is live. */
const SILENCE_MEANS_OFFLINE_MS = 1_500;
const SPINNER_AFTER_MS = 400;
const RECONNECTING_AFTER_MS = 4_000;
const TICK_MS = 500;
/** A stream that is there and shows no picture for this long gets a new attempt. */
const NO_PICTURE_MS = 15_000;

/**
 * Keeps one stream playing in one video element: makes an attempt, and when it fails, or the stream
 * ends, or the held question grows old, makes the next one. Belongs to the page's only thread; after
 * close it does nothing more.
 */
export class Controller extends Face {
  /** Counts attempts: what an old one still says is not listened to. */
  private attempt = 0;
  private asked = 0;
  private failures = 0;
  private found = false;
  private played = false;
  /** Whether any attempt has shown a picture, and whether the list of streams has the name. */
  private seen = false;
  private onList = false;
  private next = 0;
  private stalled: number[] = [];
  private watch: Watch | null = null;
  private readonly ticker: number;

  constructor(video: HTMLVideoElement, private readonly source: Source) {
    super(video);
    video.muted = true;
    this.listen();
    this.ticker = window.setInterval(() => this.tick(), TICK_MS);
    this.next = window.setTimeout(() => this.begin(), 0);
  }

  override close(): void {
    super.close();
    window.clearInterval(this.ticker);
    this.drop();
  }

  /** The list of streams has been read: whether the name was in it. Only used before the first picture. */
  listed(live: boolean): void {
    if (live && !this.onList) this.failures = 0;
    this.onList = live;
    if (this.found) return;
    if (!live && this.snapshot.status === 'connecting') this.set({ status: 'offline' });
    if (live && this.snapshot.status === 'offline') this.set({ status: 'connecting' });
  }

  override toggle(): void {
    if (!controllable(this.snapshot.status) && !this.snapshot.blocked) return;
    if (this.video.paused) this.play();
    else this.video.pause();
  }

  override goLive(): void {
    if (!controllable(this.snapshot.status)) return;
    this.watch = null;
    this.engine?.follow(true);
    this.engine?.goLive();
    if (this.video.paused) this.play();
    this.tick();
  }

  /** Moves the playhead to a media time; at the end of the window this is the live edge. */
  override seek(to: number): void {
    const line = this.snapshot.timeline;
    if (!line) return;
    if (to >= line.end - 1) return this.goLive();
    this.watch = null;
    this.engine?.follow(false);
    this.video.currentTime = Math.max(line.start + 1, to);
    this.tick();
  }

  /** Asks no more: the address opens nothing. */
  refuse(): void {
    this.drop();
    this.set({ status: 'refused', blocked: false });
  }

  /** Makes a new attempt at once. */
  override again(): void {
    this.failures = 0;
    this.set({ status: 'connecting' });
    this.begin();
  }

  private begin(): void {
    this.drop();
    const mine = ++this.attempt;
    this.asked = performance.now();
    this.source.load(this.source.kind).then(
      (module) => {
        if (mine !== this.attempt || this.stop.signal.aborted) return;
        if (module === null) this.set({ status: 'unsupported' });
        else this.ask(module, mine);
      },
      () => this.failed('network', mine),
    );
  }

  private ask(module: EngineModule, mine: number): void {
    const live = (f: () => void) => {
      if (mine === this.attempt && !this.stop.signal.aborted) f();
    };
    const events: EngineEvents = {
      found: () => live(() => this.onFound()),
      rungs: (rungs) => live(() => this.set({ rungs })),
      sounds: (sounds, heard) => live(() => this.listening(sounds, heard)),
      rendition: (current) => live(() => this.set({ current })),
      failed: (why) => this.failed(why, mine),
    };
    this.asked = performance.now();
    this.engine = module.start(this.video, this.source.url, events);
    // dash.js reads the MPD anew only after a "play" event that it has seen, so it starts by itself.
    if (this.source.kind !== 'dash') this.play();
    this.next = window.setTimeout(() => this.begin(), RENEW_MS);
  }

  private onFound(): void {
    if (this.found) return;
    window.clearTimeout(this.next);
    this.found = true;
    // After a drop the words stay until there is a picture again.
    this.set({ status: this.snapshot.status === 'reconnecting' ? 'reconnecting' : 'starting', selected: -1 });
    this.next = window.setTimeout(() => this.onStuck(), NO_PICTURE_MS);
    if (this.video.paused) this.play();
  }

  private onStuck(): void {
    if (!this.snapshot.blocked && !document.hidden) this.begin();
  }

  private failed(why: Failure, mine: number): void {
    if (mine !== this.attempt || this.stop.signal.aborted) return;
    if (why === 'denied') return this.refuse();
    const took = performance.now() - this.asked;
    this.failures = quick(took) ? this.failures + 1 : 1;
    const status = afterFailure(why, this.played, this.snapshot.status);
    this.drop();
    if (this.source.unfit && (why === 'unfit' || this.missing(why))) return this.source.unfit();
    // The first failure of the browser's decoder is answered by a fresh start, without words.
    this.set({ status: status === 'broken' && this.failures < 2 ? 'starting' : status });
    this.next = window.setTimeout(() => this.begin(), pauseBefore(took, this.failures));
  }

  /** True when the stream is live and again and again not here, as where another node has it. */
  private missing(why: Failure): boolean {
    return why === 'absent' && this.onList && !this.seen && this.failures > 1;
  }

  /** Lets go of the current attempt. */
  private drop(): void {
    this.attempt++;
    window.clearTimeout(this.next);
    this.unstall();
    this.engine?.destroy();
    this.engine = null;
    this.found = false;
    this.played = false;
    this.watch = null;
    this.set({ rungs: [], current: -1, selected: -1, sounds: [], heard: -1, latency: null, timeline: null, behind: false, soundOnly: false });
  }

  private listen(): void {
    const on = this.on;
    on('playing', () => this.onPlaying());
    on('waiting', () => this.onWaiting());
    on('timeupdate', () => {
      if (this.stalled.length > 0 && this.video.readyState > 2) this.onPlaying();
    });
    on('pause', () => this.set({ paused: this.played && !this.video.ended, behind: true }));
    on('play', () => this.onPlay());
    on('resize', () => this.set({ soundOnly: this.played && this.video.videoWidth === 0 }));
    on('ended', () => this.onEnded());
  }

  /** After a long pause the viewer sees what comes next, and goes to live when it pleases. */
  private onPlay(): void {
    this.set({ paused: false, blocked: false });
    if (this.played && this.engine) this.engine.follow(!isBehind(this.engine.latency(), this.engine.target(), false));
  }

  private onPlaying(): void {
    if (this.engine === null) return;
    this.unstall();
    window.clearTimeout(this.next);
    this.found = true;
    this.played = true;
    this.seen = true;
    this.failures = 0;
    this.set({ status: 'playing', paused: this.video.paused, soundOnly: this.video.videoWidth === 0 });
    this.tick();
  }

  private onWaiting(): void {
    if (!this.played || this.stalled.length > 0) return;
    this.stalled = [
      window.setTimeout(() => this.set({ status: 'buffering' }), SPINNER_AFTER_MS),
      window.setTimeout(() => this.set({ status: 'reconnecting' }), RECONNECTING_AFTER_MS),
    ];
  }

  private unstall(): void {
    this.stalled.forEach((t) => window.clearTimeout(t));
    this.stalled = [];
  }

  private onEnded(): void {
    if (!this.played) return;
    this.set({ status: 'ended', paused: false });
    this.failures = 0;
    this.begin();
  }

  private tick(): void {
    if (!this.found) {
      const silent = this.engine !== null && performance.now() - this.asked > SILENCE_MEANS_OFFLINE_MS;
      if (silent) this.set({ status: afterSilence(this.snapshot.status) });
      return;
    }
    this.guard();
    if (this.engine === null || !this.played) return;
    const latency = this.engine.latency();
    const edge = latency === null ? null : this.video.currentTime + latency;
    this.set({
      latency,
      behind: isBehind(latency, this.engine.target(), this.video.paused),
      timeline: timeline(this.video.seekable, edge, this.video.currentTime),
    });
  }

  /** Looks whether the playhead moves, and helps it where the engine does not. */
  private guard(): void {
    const { video } = this;
    if (this.engine === null || video.paused || video.ended || document.hidden) {
      this.watch = null;
      return;
    }
    const [watch, advice] = judge(this.watch, lookAt(video, performance.now()));
    this.watch = watch;
    if (advice.kind === 'seek') video.currentTime = advice.to;
    if (advice.kind === 'rebuild') this.begin();
  }
}
