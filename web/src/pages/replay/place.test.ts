import { describe, expect, it } from 'vitest';
import { place } from './place';

describe('place', () => {
  it.each([['65', 65], ['1:05', 65], [' 2:03:09 ', 7389], ['1,5', 1.5], ['0:01.5', 1.5], ['', null], ['x', null], ['1:2:3:4', null], ['-5', null], ['1.5:3', null]])('%j', (words, want) => {
    expect(place(words)).toBe(want);
  });
});
