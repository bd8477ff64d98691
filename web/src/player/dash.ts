import { MediaPlayer, type MediaInfo, type MediaPlayerClass, type Representation } from 'dashjs';
import { failure } from './dashError';
import type { Engine, EngineEvents, Rung, Sound } from './engine';
import { coding } from './quality';

const rung = (r: Representation, index: number): Rung => ({
  index,
  width: r.width,
  height: r.height,
  bitrate: r.bandwidth,
  ...coding(r.codecs),
});

const finite = (v: number): number | null => (Number.isFinite(v) ? v : null);

/**
 * The server holds what is about to come and says 404 only to what is never coming, so there is no use
 * in asking often. Without the factors of 1 dash.js asks 16 times, 100 ms apart, in low latency.
 */
const RETRY = {
  retryAttempts: { MPD: 1, MediaSegment: 2, InitializationSegment: 2, lowLatencyMultiplyFactor: 1 },
  retryIntervals: { MPD: 1_000, MediaSegment: 700, InitializationSegment: 700, lowLatencyReductionFactor: 1 },
};

/**
 * Notes the listeners that are added to the element from now on; the returned function takes them away.
 * dash.js leaves some of its own behind, which throw when the next attempt reuses the element.
 */
function borrow(video: HTMLVideoElement): () => void {
  const loan = new AbortController();
  video.addEventListener = (type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions) => {
    const given = typeof options === 'object' ? options : { capture: options === true };
    EventTarget.prototype.addEventListener.call(video, type, listener, { ...given, signal: loan.signal });
  };
  return () => {
    Reflect.deleteProperty(video, 'addEventListener');
    loan.abort();
    video.playbackRate = 1;
  };
}

/** The kind of media whose qualities are offered: sound only where there is no picture. */
const kindOf = (player: MediaPlayerClass): 'video' | 'audio' =>
  ((player.getRepresentationsByType('video') ?? []).length > 0 ? 'video' : 'audio');

function ladder(player: MediaPlayerClass): Representation[] {
  const list = [...(player.getRepresentationsByType(kindOf(player)) ?? [])];
  list.sort((a, b) => a.bandwidth - b.bandwidth);
  return list;
}

/** Without those that are there once more in the coding of their publisher: nobody hears that. */
const tracks = (player: MediaPlayerClass): MediaInfo[] => player.getTracksFor('audio').filter((track) => !track.codec?.includes('opus'));

/** Of several sounds the MPD tells what each is called. */
const sounds = (player: MediaPlayerClass): Sound[] =>
  tracks(player).map((track, index) => ({ index, name: track.labels[0]?.text ?? `Sound ${index + 1}` }));

const heard = (player: MediaPlayerClass): number =>
  tracks(player).findIndex((track) => track.id === player.getCurrentTrackFor('audio')?.id);

function listen(player: MediaPlayerClass, events: EngineEvents): void {
  player.on(MediaPlayer.events.STREAM_INITIALIZED, () => {
    const rungs = ladder(player);
    events.found();
    events.rungs(rungs.map(rung));
    if (rungs.length === 1) events.rendition(0);
    events.sounds(sounds(player), heard(player));
  });
  player.on(MediaPlayer.events.TRACK_CHANGE_RENDERED, (e) => {
    if (e.mediaType === 'audio') events.sounds(sounds(player), heard(player));
  });
  player.on(MediaPlayer.events.QUALITY_CHANGE_RENDERED, (e) => {
    if (e.mediaType !== kindOf(player)) return;
    const id = e.newRepresentation?.id;
    events.rendition(ladder(player).findIndex((r) => r.id === id));
  });
  player.on(MediaPlayer.events.ERROR, (e) => events.failed(failure(e.error, navigator.onLine)));
  player.on(MediaPlayer.events.PLAYBACK_ERROR, () => events.failed('media'));
}

/**
 * DASH in its low-latency form. The MPD says how far behind to play; the catch-up keeps to it.
 * The request for the MPD may be held by the server for 10 s, so dash.js waits for longer than that.
 */
export function start(video: HTMLVideoElement, url: string, events: EngineEvents, recorded = false): Engine {
  const giveBack = borrow(video);
  const player = MediaPlayer().create();
  const follow = (live: boolean) => player.updateSettings({ streaming: { liveCatchup: { enabled: live } } });
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: { manifestRequestTimeout: 20_000, buffer: { bufferToKeep: 10 }, ...RETRY },
  });
  follow(!recorded);
  listen(player, events);

  player.initialize();
  // The clock comes from the MPD or our own answers; dash.js would also ask a server of its makers' choice.
  player.clearDefaultUTCTimingSources();
  player.attachView(video);
  player.setAutoPlay(!recorded);
  player.attachSource(url);

  return {
    latency: () => finite(player.getCurrentLiveLatency()),
    target: () => finite(player.getTargetLiveDelay()),
    goLive: () => player.seekToOriginalLive(),
    follow,
    select(index) {
      const kind = kindOf(player);
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { [kind]: index < 0 } } } });
      const chosen = ladder(player)[index];
      if (chosen) player.setRepresentationForTypeById(kind, chosen.id, true);
    },
    hear(index) {
      const track = tracks(player)[index];
      if (track) player.setCurrentTrack(track);
    },
    destroy() {
      player.destroy();
      giveBack();
    },
  };
}
