import { describe, expect, it } from 'vitest';
import { parseStreams, soundOnly } from './streams';

const whole = {
  name: 'demo', started_at: '2026-11-23T15:00:00Z', width: 1280, height: 720, frame_rate: 30,
  video_codec: 'avc1.64001f', audio_codec: 'mp4a.40.2', bitrate: 2_500_000,
  renditions: [{ name: 'source' }, { name: '480p' }], hls: '/live/demo/index.m3u8', dash: '/live/demo/manifest.mpd',
  thumbnail: '/live/demo/thumb.jpg', watch: '/watch/demo', title: 'Looms', category: 'Craft', mature: false, viewers: 12, channel_id: '0193',
};

describe('parseStreams', () => {
  it('reads a whole entry', () => {
    expect(parseStreams({ streams: [whole] })).toEqual([{
      name: 'demo', startedAt: Date.UTC(2026, 10, 23, 15), width: 1280, height: 720, frameRate: 30,
      videoCodec: 'avc1.64001f', audioCodec: 'mp4a.40.2', bitrate: 2_500_000,
      renditions: ['source', '480p'], hls: '/live/demo/index.m3u8', dash: '/live/demo/manifest.mpd',
      thumbnail: '/live/demo/thumb.jpg', watch: '/watch/demo', title: 'Looms', category: 'Craft', mature: false, viewers: 12, channelId: '0193',
    }]);
  });

  it('fills in what a young stream does not have yet', () => {
    const [s] = parseStreams({ streams: [{ name: 'new' }] });
    expect(s).toMatchObject({
      name: 'new', startedAt: null, width: 0, bitrate: 0, renditions: [], thumbnail: '',
      hls: '/live/new/index.m3u8', dash: '/live/new/manifest.mpd', watch: '/watch/new',
    });
  });

  it('knows sound without a picture', () => {
    const [s, young, both] = parseStreams({ streams: [{ ...whole, width: 0, height: 0, video_codec: '', thumbnail: '' }, { name: 'new' }, whole] });
    expect([s, young, both].map((v) => soundOnly(v!))).toEqual([true, false, false]);
    expect(s!.thumbnail).toBe('');
  });

  it('leaves out entries that are none', () => {
    expect(parseStreams({ streams: [null, 3, 'x', {}, { name: 7 }, whole] })).toHaveLength(1);
  });

  it('reads an empty list, also as null', () => {
    expect(parseStreams({ streams: [] })).toEqual([]);
    expect(parseStreams({ streams: null })).toEqual([]);
  });

  it.each([undefined, null, [], 'x', {}, { streams: 3 }])('refuses %j', (body) => {
    expect(() => parseStreams(body)).toThrow(TypeError);
  });

  it('sends nobody to another origin', () => {
    const [s] = parseStreams({ streams: [{ ...whole, hls: 'https://evil.example/x', dash: '//evil.example/x', thumbnail: 'javascript:1', watch: '/\\evil.example' }] });
    expect(s).toMatchObject({ hls: '/live/demo/index.m3u8', dash: '/live/demo/manifest.mpd', thumbnail: '', watch: '/watch/demo' });
  });

  it('drops sizes that are no sizes', () => {
    const [s] = parseStreams({ streams: [{ ...whole, width: -1, height: '720', frame_rate: null, renditions: [{ name: 'source' }, { name: 4 }, 5, null] }] });
    expect(s).toMatchObject({ width: 0, height: 0, frameRate: 0, renditions: ['source'] });
  });
});
