import { useEffect, useState } from 'react';
import { authorized } from '../../api/client';
import { listen } from '../../api/events';
import type { components } from '../../api/schema';
import { bitrate, codecName, frameRate, people, resolution } from '../../format';

export type Health = components['schemas']['Health'];

/** How a stream arrives. `lost`: it is not told at the moment. */
export interface Heard {
  health: Health | null;
  lost: boolean;
}

const NOTHING: Heard = { health: null, lost: false };

/** Hears how the stream of a channel arrives, as long as there is one; "": there is none. */
export function useHealth(channel: string): Heard {
  const [heard, setHeard] = useState(NOTHING);
  useEffect(() => {
    if (channel === '') return undefined;
    const leave = new AbortController();
    const hear = ({ type, data }: { type: string; data: string }) =>
      setHeard({ health: type === 'health' ? (JSON.parse(data) as Health) : null, lost: false });
    void listen(authorized, `/api/v1/channels/${channel}/health/events`, hear, () => setHeard((old) => ({ ...old, lost: true })), leave.signal);
    return () => leave.abort();
  }, [channel]);
  return channel === '' ? NOTHING : heard;
}

/** What is measured, each with its name; what says nothing is left out. */
export function measures(h: Health): [name: string, value: string][] {
  const { source: s, sound } = h;
  const wanted = s.fps !== undefined && s.fps > 0 && h.fps > 0 && Math.abs(s.fps - h.fps) > 0.5 ? ` of ${Number(s.fps.toFixed(2))}` : '';
  const all: [string, string][] = [
    ['Bit rate', bitrate(h.bitrate)],
    ['Picture', [codecName(s.video ?? ''), resolution(s.width ?? 0, s.height ?? 0)].filter(Boolean).join(', ')],
    ['Frames', h.fps > 0 ? `${frameRate(Math.round(h.fps * 100) / 100)}${wanted}${h.b_frames ? ', B-frames' : ''}` : ''],
    ['Key frames', h.key_interval > 0 ? `${Number(h.key_interval.toFixed(1))} s apart` : ''],
    ['Sound', [codecName(s.audio ?? ''), s.sample_rate ? `${s.sample_rate / 1000} kHz` : '', s.channels === undefined ? '' : people(s.channels, 'channel')].filter(Boolean).join(', ')],
    ['Loudness', sound === undefined || sound.silent ? '' : `${sound.mean.toFixed(0)} dB, at most ${sound.peak.toFixed(0)} dB`],
    ['Publisher late', h.behind >= 0.1 ? `${h.behind.toFixed(1)} s` : ''],
    ['Clock drift', Math.abs(h.drift) >= 0.1 ? `${h.drift.toFixed(1)} s` : ''],
    ['Unusable packets', h.dropped > 0 ? String(h.dropped) : ''],
    ['Renditions late', h.encoder_lag >= 0.1 ? `${h.encoder_lag.toFixed(1)} s` : ''],
    ['Viewers', h.viewers.toLocaleString('en')],
  ];
  return all.filter(([, value]) => value !== '');
}
