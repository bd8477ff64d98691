import { describe, expect, it } from 'vitest';
import { age, bitrate, clock, codecName, duration, fileSize, frameRate, liveFor, people, resolution, seconds } from './format';

const min = 60_000;

describe('format', () => {
  it.each([
    [0, 'just now'], [-5 * min, 'just now'], [59_999, 'just now'], [min, '1 min'], [59 * min, '59 min'],
    [60 * min, '1 h 00 min'], [185 * min, '3 h 05 min'], [24 * 60 * min, '1 d 0 h'], [52 * 60 * min, '2 d 4 h'],
  ])('age of %d ms', (ms, want) => {
    expect(age(1e12, 1e12 + ms)).toBe(want);
  });

  it('says live for', () => {
    expect(liveFor(0, 10)).toBe('started just now');
    expect(liveFor(0, 2 * min)).toBe('live for 2 min');
  });

  it.each([
    [null, ''], [Number.NaN, ''], [-0.2, '0.0 s'], [1.234, '1.2 s'], [9.94, '9.9 s'], [9.96, '10 s'],
    [59.4, '59 s'], [59.6, '1:00'], [125, '2:05'],
  ])('seconds of %s', (value, want) => {
    expect(seconds(value)).toBe(want);
  });

  it.each([[0, ''], [800_000, '800 kbit/s'], [999_499, '999 kbit/s'], [999_600, '1.0 Mbit/s'], [2_500_000, '2.5 Mbit/s']])(
    'bitrate of %d', (value, want) => {
      expect(bitrate(value)).toBe(want);
    });

  it('names sizes, rates and codecs', () => {
    expect(resolution(1280, 720)).toBe('1280×720');
    expect(resolution(0, 0)).toBe('');
    expect(frameRate(30)).toBe('30 fps');
    expect(frameRate(30000 / 1001)).toBe('29.97 fps');
    expect(frameRate(0)).toBe('');
    expect(codecName('avc1.64001f')).toBe('H.264');
    expect(codecName('xyz1')).toBe('xyz1');
    expect(codecName('')).toBe('');
  });

  it.each([
    ['mp4a.40.2', 'AAC'], ['mp4a.40.5', 'AAC'], ['mp4a.40.29', 'AAC'], ['mp4a.40.34', 'MP3'], ['mp4a.6B', 'MP3'],
    ['opus', 'Opus'], ['Opus', 'Opus'], ['ac-3', 'AC-3'], ['ec-3', 'E-AC-3'], ['fLaC', 'FLAC'], ['mp4a.99', 'mp4a.99'],
  ])('calls the sound %s %s', (codec, want) => {
    expect(codecName(codec)).toBe(want);
  });
});

describe('clock', () => {
  it.each([[-1, '0:00'], [5.9, '0:05'], [65, '1:05'], [3599, '59:59'], [7389, '2:03:09']])('%j', (at, want) => {
    expect(clock(at)).toBe(want);
  });
});

describe('duration', () => {
  it.each([[-1, '0 s'], [44_600, '45 s'], [59_499, '59 s'], [59_500, '1 min'], [12 * min, '12 min'], [185 * min, '3 h 05 min']])('%j', (ms, want) => {
    expect(duration(ms)).toBe(want);
  });
});

describe('fileSize', () => {
  it.each([[0, '0 B'], [812, '812 B'], [3_400, '3.4 kB'], [999_949, '999.9 kB'], [999_950, '1.0 MB'], [12_000_000, '12.0 MB'], [1_234_000_000, '1.2 GB']])('%j', (bytes, want) => {
    expect(fileSize(bytes)).toBe(want);
  });
});

describe('people', () => {
  it.each([[0, '0 followers'], [1, '1 follower'], [1204, '1,204 followers']])('%j', (count, want) => {
    expect(people(count, 'follower')).toBe(want);
  });
});
