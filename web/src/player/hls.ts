import Hls, { ErrorTypes, Events, type ErrorData, type Level } from 'hls.js';
import type { Engine, EngineEvents, Failure, Rung, Sound } from './engine';
import { Loader } from './loader';
import { coding } from './quality';

/** True where Media Source Extensions can play what weir sends. */
export const supported = (): boolean => Hls.isSupported();

const rung = (level: Level, index: number): Rung => ({
  index,
  width: level.width,
  height: level.height,
  bitrate: level.averageBitrate,
  ...coding(level.videoCodec),
});

/** Without the one that differs in the coding of its sound alone: nobody sees or hears that. */
const rungs = (hls: Hls): Rung[] => hls.levels.map(rung).filter(({ index }) => hls.levels[index]?.audioCodec !== 'opus');

const sounds = (hls: Hls): Sound[] => hls.audioTracks.map(({ name }, index) => ({ index, name }));

function failure(data: ErrorData): Failure {
  if (data.type === ErrorTypes.MEDIA_ERROR || data.type === ErrorTypes.MUX_ERROR) return 'media';
  if (data.type !== ErrorTypes.NETWORK_ERROR) return 'media';
  const code = data.response?.code ?? 0;
  if (code === 401 || code === 403) return 'denied';
  return code >= 400 && code < 500 ? 'absent' : 'network';
}

/** How fast who is behind catches up: nobody hears it. */
const CATCH_UP = 1.1;

/**
 * LL-HLS. The media element is attached first and the request for the playlist is left pending: the
 * server holds it until the stream begins, so there is nothing left to prepare when the answer comes.
 * The positions are the ones that the server asks for. hls.js keeps the distance with which it began, and what
 * each stall adds to it; so a viewer plays a little faster while that is too far and more than a second is buffered.
 */
export function start(video: HTMLVideoElement, url: string, events: EngineEvents, recorded = false): Engine {
  // Durations in our playlists are exact. With the usual tolerance of 0.25 s a
  // player that got a playlist late leaves out the last part of a segment.
  const kept = recorded ? { startPosition: 0, backBufferLength: 60 } : { lowLatencyMode: true, maxLiveSyncPlaybackRate: CATCH_UP, backBufferLength: 10 };
  // hls.js stays with the coding that it begins with, and only H.264 has several qualities.
  const hls = new Hls({ maxFragLookUpTolerance: 0.02, videoPreference: { videoCodec: 'avc1' }, loader: Loader, ...kept });
  let recovered = false;
  let played = false;

  hls.on(Events.MANIFEST_PARSED, () => {
    events.found();
    events.rungs(rungs(hls));
  });
  hls.on(Events.LEVELS_UPDATED, () => events.rungs(rungs(hls)));
  hls.on(Events.LEVEL_SWITCHED, (_, data) => events.rendition(data.level));
  hls.on(Events.AUDIO_TRACKS_UPDATED, () => events.sounds(sounds(hls), hls.audioTrack));
  hls.on(Events.AUDIO_TRACK_SWITCHED, () => events.sounds(sounds(hls), hls.audioTrack));
  hls.on(Events.FRAG_CHANGED, () => { played = true; });
  hls.on(Events.LEVEL_LOADED, (_, data) => {
    // A session that is over and still listed is not what the page waits for.
    if (!recorded && !data.details.live && !played) events.failed('absent');
  });
  hls.on(Events.ERROR, (_, data) => {
    const why = failure(data);
    if (!data.fatal && why !== 'denied') return; // another quality would be denied as well
    if (why === 'media' && !recovered) {
      recovered = true;
      hls.recoverMediaError();
      return;
    }
    events.failed(why);
  });

  hls.attachMedia(video);
  hls.loadSource(url);

  return {
    latency: () => (hls.latency > 0 ? hls.latency : null),
    target: () => hls.targetLatency,
    goLive() {
      const edge = hls.liveSyncPosition;
      if (edge !== null) video.currentTime = edge;
    },
    follow() {}, // hls.js stays where the viewer is
    select(index) { hls.nextLevel = index; },
    hear(index) { hls.audioTrack = index; },
    destroy: () => hls.destroy(),
  };
}
