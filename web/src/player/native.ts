import type { Engine, EngineEvents } from './engine';

/** True where the browser plays HLS by itself (Safari). */
export function supported(): boolean {
  return document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** The browser's own HLS: it chooses the quality and does not tell the latency, which is told from the seekable range. */
export function start(video: HTMLVideoElement, url: string, events: EngineEvents): Engine {
  const edge = (): number | null => {
    const n = video.seekable.length;
    return n > 0 ? video.seekable.end(n - 1) : null;
  };
  const loaded = () => events.found();
  const broken = () => {
    const code = video.error?.code ?? 0;
    const absent = code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED || code === MediaError.MEDIA_ERR_NETWORK;
    events.failed(absent ? 'absent' : 'media');
  };
  video.addEventListener('loadedmetadata', loaded);
  video.addEventListener('error', broken);
  video.src = url;

  return {
    latency() {
      const end = edge();
      return end === null ? null : Math.max(0, end - video.currentTime);
    },
    target: () => null,
    goLive() {
      const end = edge();
      if (end !== null) video.currentTime = end;
    },
    follow() {},
    select() {},
    hear() {}, // the browser has a menu of its own
    destroy() {
      video.removeEventListener('loadedmetadata', loaded);
      video.removeEventListener('error', broken);
      video.removeAttribute('src');
      video.load();
    },
  };
}
