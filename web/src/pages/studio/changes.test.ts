import { describe, expect, it } from 'vitest';
import type { Channel } from './channel';
import { changes, isoTime, localTime, read } from './changes';

const CHANNEL: Channel = {
  id: 'x', name: 'ada', title: 'Looms', description: 'a\nb', category: 'Craft', tags: ['go', 'live'], language: 'en', mature: false, visibility: 'public',
  scheduled_at: '2027-03-04T18:30:00Z', created_at: '2026-01-01T00:00:00Z', version: 3, watch: '/watch/ada',
  inside: { record: true, takeover: false, keep: { days: 30, bytes: 0 }, limits: { bitrate: 2_500_000, height: 0, fps: 0, duration: 5400 } },
};

function form(over: Record<string, string> = {}): FormData {
  const v = new FormData();
  const fields = {
    title: 'Looms', description: 'a\r\nb', category: 'Craft', tags: 'go live', language: 'en', visibility: 'public', record: 'on', scheduled_at: localTime('2027-03-04T18:30:00Z'),
    'keep.days': '30', 'keep.bytes': '', 'limits.bitrate': '2.5', 'limits.height': '', 'limits.fps': '', 'limits.duration': '1.5', ...over,
  };
  for (const [name, value] of Object.entries(fields)) v.set(name, value);
  return v;
}

describe('changes', () => {
  it('are none when nothing was touched', () => {
    expect(changes(CHANNEL, read(form()))).toEqual({});
  });

  it('are only what was touched', () => {
    expect(changes(CHANNEL, read(form({ title: ' Engines ', tags: 'go,  news', mature: 'on', scheduled_at: '', 'keep.bytes': '1.5', 'limits.fps': '60' })))).toEqual({
      title: 'Engines', tags: ['go', 'news'], mature: true, scheduled_at: '', keep: { days: 30, bytes: 1_500_000_000 }, limits: { bitrate: 2_500_000, height: 0, fps: 60, duration: 5400 },
    });
  });

  it('take a comma for a point', () => {
    expect(read(form({ 'limits.bitrate': '1,5' })).limits.bitrate).toBe(1_500_000);
  });
});

describe('times', () => {
  it('come back as they were', () => {
    expect(isoTime(localTime('2027-03-04T18:30:00Z'))).toBe('2027-03-04T18:30:00.000Z');
    expect(isoTime('')).toBe('');
    expect(localTime(undefined)).toBe('');
  });
});
