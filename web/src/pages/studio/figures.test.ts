import { describe, expect, it } from 'vitest';
import { figures } from './figures';

const NOTHING = { average: 0, bitrate: 0, bytes: 0, dropped: 0, encoder_lag: 0, fps: 0, frames: 0, peak: 0, reconnects: 0, unique: 0 };

describe('figures', () => {
  it('leaves out what is nothing', () => {
    expect(figures(NOTHING)).toEqual([]);
  });

  it('says what there is', () => {
    expect(figures({ ...NOTHING, bitrate: 2_500_000, fps: 29.97003, bytes: 1_234_000_000, peak: 1, average: 0.52, unique: 1204, reconnects: 2, dropped: 1, encoder_lag: 1.25 })).toEqual([
      '2.5 Mbit/s', '29.97 fps', '1.2 GB', 'at most 1 viewer at once, 0.5 on average, 1,204 in all', '2 reconnects', '1 dropped packet', 'renditions up to 1.3 s late',
    ]);
  });
});
