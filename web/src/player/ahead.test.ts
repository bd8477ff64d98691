import { afterEach, expect, it, vi } from 'vitest';
import { askAhead, takeAnswer } from './ahead';

afterEach(() => vi.unstubAllGlobals());

const answers = (status: number, text: string) => vi.stubGlobal('fetch', async (url: string) => ({ url: `http://x${url}`, status, text: async () => text }));

it('gives what was asked for, once, and nothing for another address', async () => {
  answers(200, '#EXTM3U');
  askAhead('/live/anna/index.m3u8');
  expect(takeAnswer('/live/bert/index.m3u8')).toBeNull();
  const taken = takeAnswer('/live/anna/index.m3u8');
  expect(await taken?.answer).toEqual({ url: 'http://x/live/anna/index.m3u8', status: 200, text: '#EXTM3U' });
  expect(takeAnswer('/live/anna/index.m3u8')).toBeNull();
});

it('tells of a refusal, and ends with whoever took it', async () => {
  answers(403, 'no');
  askAhead('/live/anna/index.m3u8');
  const taken = takeAnswer('/live/anna/index.m3u8');
  expect((await taken?.answer)?.status).toBe(403);
  taken?.stop.abort();
  expect(taken?.stop.signal.aborted).toBe(true);
});
