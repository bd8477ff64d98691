import { expect, it } from 'vitest';
import { languages, timeZones } from './choices';

it('offers languages by their own names, and what is chosen', () => {
  const list = new Map(languages('de-AT'));
  expect(list.get('de')).toBe('Deutsch');
  expect(list.has('de-AT')).toBe(true);
  expect(list.get('')).toBe('Not chosen');
  expect(languages('de').length).toBe(list.size - 1);
  expect(new Map(languages('x')).get('x')).toBe('x');
});

it('offers time zones, and what is chosen', () => {
  expect(new Map(timeZones('')).get('America/New_York')).toBe('America/New York');
  expect(timeZones('Mars/Olympus')[1]).toEqual(['Mars/Olympus', 'Mars/Olympus']);
});
