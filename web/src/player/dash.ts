import { MediaPlayer, type Representation } from 'dashjs';
import type { Engine, EngineEvents, Failure, Rung } from './engine';

const rung = (r: Representation, index: number): Rung => ({
  index,
  width: r.width,
  height: r.height,
  bitrate: r.bandwidth,
});

/** The codes of dash.js for an MPD that could not be had: by its loader, and by the HTTP layer below. */
const MPD_CODES = [11, 25];
/** The codes for everything else that is fetched. */
const FETCH_CODES = [12, 15, 16, 17, 26, 27, 28, 29];

const finite = (v: number): number | null => (Number.isFinite(v) ? v : null);

function failure(code: number): Failure {
  if (MPD_CODES.includes(code)) return navigator.onLine ? 'absent' : 'network';
  return FETCH_CODES.includes(code) ? 'network' : 'media';
}

/**
 * DASH in its low-latency form. The MPD says how far behind to play; the catch-up keeps to it.
 * The request for the MPD may be held by the server for 10 s, so dash.js waits for longer than that.
 */
export function start(video: HTMLVideoElement, url: string, events: EngineEvents): Engine {
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: { manifestRequestTimeout: 20_000, liveCatchup: { enabled: true }, buffer: { bufferToKeep: 10 } },
  });

  const ladder = (): Representation[] => {
    const list = [...(player.getRepresentationsByType('video') ?? [])];
    list.sort((a, b) => a.bandwidth - b.bandwidth);
    return list;
  };

  player.on(MediaPlayer.events.STREAM_INITIALIZED, () => {
    events.found();
    events.rungs(ladder().map(rung));
  });
  player.on(MediaPlayer.events.QUALITY_CHANGE_RENDERED, (e) => {
    if (e.mediaType !== 'video') return;
    const id = e.newRepresentation?.id;
    events.rendition(ladder().findIndex((r) => r.id === id));
  });
  player.on(MediaPlayer.events.ERROR, (e) => {
    const error = e.error;
    const code = typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : 0;
    events.failed(failure(code));
  });
  player.on(MediaPlayer.events.PLAYBACK_ERROR, () => events.failed('media'));

  player.initialize();
  // The clock comes from the MPD or our own answers; dash.js would also ask a server of its makers' choice.
  player.clearDefaultUTCTimingSources();
  player.attachView(video);
  player.setAutoPlay(true);
  player.attachSource(url);

  return {
    latency: () => finite(player.getCurrentLiveLatency()),
    target: () => finite(player.getTargetLiveDelay()),
    goLive: () => player.seekToOriginalLive(),
    select(index) {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: index < 0 } } } });
      const chosen = ladder()[index];
      if (chosen) player.setRepresentationForTypeById('video', chosen.id, true);
    },
    destroy: () => player.destroy(),
  };
}
