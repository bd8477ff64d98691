import type { components } from '../../api/schema';
import { bitrate, fileSize, frameRate, people } from '../../format';

type Stats = components['schemas']['Stats'];

/** What is known of a session in words, without what is nothing. */
export function figures(s: Stats): string[] {
  return [
    bitrate(s.bitrate), frameRate(Math.round(s.fps * 100) / 100), s.bytes > 0 ? fileSize(s.bytes) : '',
    s.peak > 0 ? `at most ${people(s.peak, 'viewer')} at once, ${Number(s.average.toFixed(1))} on average, ${s.unique.toLocaleString('en')} in all` : '',
    s.reconnects > 0 ? people(s.reconnects, 'reconnect') : '',
    s.dropped > 0 ? people(s.dropped, 'dropped packet') : '',
    s.encoder_lag >= 0.5 ? `renditions up to ${s.encoder_lag.toFixed(1)} s late` : '',
  ].filter(Boolean);
}
