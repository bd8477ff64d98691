import { describe, expect, it } from 'vitest';
import { parseStrip, stillAt } from './strip';

const TEXT = `WEBVTT

00:00:00.000 --> 00:00:05.000
storyboard0.jpg#xywh=0,0,160,90

2
01:00:05.000 --> 01:00:10.500 align:start
storyboard1.jpg#xywh=160,0,160,90

00:10.000 --> 00:15.000
//elsewhere.example/x.jpg#xywh=0,0,1,1

00:15.000 --> 00:20.000
words
`;

describe('parseStrip', () => {
  it('reads parts of sheets beside it, and nothing else', () => {
    expect(parseStrip(TEXT, '/vod/1/storyboard.vtt')).toEqual([
      { from: 0, to: 5, url: '/vod/1/storyboard0.jpg', x: 0, y: 0, width: 160, height: 90 },
      { from: 3605, to: 3610.5, url: '/vod/1/storyboard1.jpg', x: 160, y: 0, width: 160, height: 90 },
    ]);
    expect(parseStrip('', '/vod/1/storyboard.vtt')).toEqual([]);
  });

  it('is found by the time', () => {
    const strip = parseStrip(TEXT, '/vod/1/storyboard.vtt');
    expect([0, 4, 100, 3605, 9999].map((at) => stillAt(strip, at)?.from)).toEqual([0, 0, 0, 3605, 3605]);
    expect(stillAt([], 3)).toBeNull();
  });
});
