// Runs in any page, before its own code does: looks at every frame of its first video element, reads the clock that weir's test
// card burns into its picture, and notes when the playhead stands still.
(() => {
  const CELLS = 32;
  const STALL_MS = 200;
  const canvas = document.createElement('canvas');
  canvas.width = CELLS * 4;
  canvas.height = 8;
  const pen = canvas.getContext('2d', { willReadFrequently: true });

  /** The strip's value: 32 cells, the highest bit at the left, the lower row the complement; or null. */
  function readClock(video) {
    const strip = 2 * Math.floor(video.videoHeight / 30);
    pen.drawImage(video, 0, 0, video.videoWidth, strip, 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const bright = (cell, row) => {
      let sum = 0;
      for (const [dx, dy] of [[1, 1], [2, 1], [1, 2], [2, 2]]) {
        const i = ((row * 4 + dy) * canvas.width + cell * 4 + dx) * 4;
        sum += data[i] + data[i + 1] + data[i + 2];
      }
      return sum / 12;
    };
    let value = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      const upper = bright(cell, 0);
      const lower = bright(cell, 1);
      if (Math.abs(upper - lower) < 60) return null;
      value = value * 2 + (upper > lower ? 1 : 0);
    }
    return value;
  }

  /** Milliseconds from a clock value to a time since 1970. */
  function age(value, now) {
    const span = 2 ** CELLS;
    const d = (((now - value) % span) + span) % span;
    return d > span / 2 ? d - span : d;
  }

  class Observer {
    static quantile(list, q) {
      if (list.length === 0) return null;
      const sorted = list.toSorted((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    }

    constructor(video) {
      Object.assign(this, { video, began: Date.now(), first: null, glass: [], unread: 0, sizes: [], stalls: [], still: null });
      const frame = () => {
        this.frame();
        video.requestVideoFrameCallback(frame);
      };
      video.requestVideoFrameCallback(frame);
      this.timer = setInterval(() => this.tick(), 50);
    }

    /** How many frames came on screen so far. */
    get seen() {
      return this.glass.length + this.unread;
    }

    frame() {
      const now = Date.now();
      this.first ??= now;
      const value = readClock(this.video);
      if (value === null) this.unread++;
      else this.glass.push([now, age(value, now)]);
      const size = `${this.video.videoWidth}x${this.video.videoHeight}`;
      if (this.sizes.at(-1)?.size !== size) this.sizes.push({ size, at: now - this.first });
    }

    /** A stall is a playhead that stood still for longer than 200 ms after the first frame. */
    tick() {
      if (this.first === null) return;
      const now = Date.now();
      const at = this.video.currentTime;
      if (this.still === null || at !== this.still.at || this.video.paused) {
        const last = this.still;
        if (last?.counted) last.counted.ms = now - last.since;
        this.still = { at, since: now, counted: null };
        return;
      }
      const stood = now - this.still.since;
      if (stood > STALL_MS && !this.still.counted) {
        this.still.counted = { at: this.still.since - this.first, ms: stood };
        this.stalls.push(this.still.counted);
      }
      if (this.still.counted) this.still.counted.ms = stood;
    }

    /** What was seen; frames and stalls count from warmup ms after the first frame on. */
    report(warmup) {
      const from = (this.first ?? 0) + warmup;
      const glass = this.glass.filter(([at]) => at >= from).map(([, ms]) => ms);
      const stalls = this.stalls.filter((s) => s.at >= warmup);
      const quality = this.video.getVideoPlaybackQuality();
      return {
        began: this.began, first_frame: this.first, startup_ms: this.first === null ? null : this.first - this.began,
        first_glass_ms: this.glass[0]?.[1] ?? null, glass_ms: Observer.quantile(glass, 0.5), glass_p95_ms: Observer.quantile(glass, 0.95),
        glass_min_ms: Observer.quantile(glass, 0), glass_max_ms: Observer.quantile(glass, 1),
        frames: this.seen, read: this.glass.length, unread: this.unread, dropped: quality.droppedVideoFrames,
        stalls: stalls.length, stall_ms: stalls.reduce((sum, s) => sum + s.ms, 0), stalled_at: stalls,
        all_stalls: this.stalls.length, sizes: this.sizes, rate: this.video.playbackRate,
      };
    }
  }

  // From the moment at which there is a video element in the page.
  const look = () => {
    const video = document.querySelector('video');
    if (video === null) return;
    inserted.disconnect();
    window.observer = new Observer(video);
  };
  const inserted = new MutationObserver(look);
  inserted.observe(document, { childList: true, subtree: true });
})();
