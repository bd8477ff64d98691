import { describe, expect, it } from 'vitest';
import { measures, type Health } from './health';

const QUIET: Health = {
  at: '2026-11-28T08:00:00Z', b_frames: false, behind: 0, bitrate: 0, drift: 0, dropped: 0, encoder_lag: 0, fps: 0, fps_varies: false, jumps: 0, key_interval: 0,
  seconds: 0, session_id: 'x', shed: [], sound_stops: false, source: {}, state: 'live', viewers: 0, warnings: [],
};

describe('measures', () => {
  it('leave out what says nothing', () => {
    expect(measures(QUIET)).toEqual([['Viewers', '0']]);
  });

  it('say what there is', () => {
    const h: Health = {
      ...QUIET, bitrate: 2_500_000, fps: 24.02, key_interval: 2.04, b_frames: true, behind: 1.26, drift: -0.2, dropped: 3, encoder_lag: 0.5, viewers: 1204,
      source: { video: 'avc1.64001f', width: 1280, height: 720, fps: 30, audio: 'mp4a.40.2', sample_rate: 48_000, channels: 2 },
      sound: { mean: -23.4, peak: -6.1, silent: false, clips: false },
    };
    expect(measures(h)).toEqual([
      ['Bit rate', '2.5 Mbit/s'], ['Picture', 'H.264, 1280×720'], ['Frames', '24.02 fps of 30, B-frames'], ['Key frames', '2 s apart'], ['Sound', 'AAC, 48 kHz, 2 channels'],
      ['Loudness', '-23 dB, at most -6 dB'], ['Publisher late', '1.3 s'], ['Clock drift', '-0.2 s'], ['Unusable packets', '3'], ['Renditions late', '0.5 s'], ['Viewers', '1,204'],
    ]);
  });
});
