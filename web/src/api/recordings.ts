import { wasSignedIn } from '../session/hint';
import { api, done, open } from './client';
import { Refusal } from './problem';
import type { components } from './schema';

export type Recording = components['schemas']['RecordingView'];

/** The client for what everybody may see, and some see more of: nobody's token is not worth asking for. */
const seen = () => (wasSignedIn() ? api : open);

/** How somebody gets at what is kept of a channel. */
export interface Way {
  /** Where the media are: with a pass in the path where the channel is not public. */
  place: string;
  /** "" where none is needed, or there is none to be had. */
  pass: string;
}

/** The way to what is kept of a public channel. */
export const OPEN: Way = { place: '/vod/', pass: '' };

/** The way for who looks, and for whom a share link is shown, if it is not "". A link that does not hold is no hindrance to who needs none. */
export async function wayTo(name: string, link: string): Promise<Way> {
  const ask = async (body: { link?: string }): Promise<Way> => {
    const { replay, pass } = await done(seen().POST('/api/v1/channels/by-name/{name}/playback', { params: { path: { name } }, body }));
    return { place: replay, pass: pass ?? '' };
  };
  if (link === '') return ask({});
  try {
    return await ask({ link });
  } catch (err) {
    if (!(err instanceof Refusal) || err.status !== 403) throw err;
    const without = await ask({});
    if (without.pass === '') throw err;
    return without;
  }
}

const shown = (way: Way) => (way.pass === '' ? {} : { header: { 'Weir-Pass': way.pass } });

/** A part of what is kept of a channel, newest first; `next` gets the part that follows, "" when there is none. */
export async function recordings(channel: string, limit: number, after = '', way = OPEN): Promise<{ items: Recording[]; next: string }> {
  const page = await done(seen().GET('/api/v1/channels/{id}/recordings', { params: { path: { id: channel }, query: { limit, ...(after && { after }) }, ...shown(way) } }));
  return { items: page.items ?? [], next: page.next ?? '' };
}

/** A recording or clip; null when it is not there. */
export async function recording(id: string, way = OPEN): Promise<Recording | null> {
  try {
    return await done(seen().GET('/api/v1/recordings/{recording}', { params: { path: { recording: id }, ...shown(way) } }));
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

/** What a recording is called. */
export const titleOf = (r: Recording): string => r.title || r.name;

/** The page of a recording. Of a channel that is not public it names the channel, and keeps the share link behind #, so that a pass can be had. */
export function pageOf(id: string, of: string, link: string, second = 0): string {
  const query = new URLSearchParams([...(of === '' ? [] : [['of', of]]), ...(second === 0 ? [] : [['t', String(second)]])]).toString();
  return `/replay/${id}${query && `?${query}`}${link && `#share=${link}`}`;
}

/** A recording whose media are at that place. */
export function at(place: string, r: Recording): Recording {
  const { media } = r;
  if (media === undefined) return r;
  const moved = Object.entries(media).map(([what, path]) => [what, path.replace(/^\/vod\//, place)]);
  return { ...r, media: Object.fromEntries(moved) as typeof media };
}
