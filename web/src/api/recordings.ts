import { wasSignedIn } from '../session/hint';
import { api, done, open } from './client';
import { Refusal } from './problem';
import type { components } from './schema';

export type Recording = components['schemas']['RecordingView'];

/** The client for what everybody may see, and some see more of: nobody's token is not worth asking for. */
const seen = () => (wasSignedIn() ? api : open);

/** A part of what is kept of a channel, newest first; `next` gets the part that follows, "" when there is none. */
export async function recordings(channel: string, limit: number, after = ''): Promise<{ items: Recording[]; next: string }> {
  const page = await done(seen().GET('/api/v1/channels/{id}/recordings', { params: { path: { id: channel }, query: { limit, ...(after && { after }) } } }));
  return { items: page.items ?? [], next: page.next ?? '' };
}

/** A recording or clip; null when it is not there. */
export async function recording(id: string): Promise<Recording | null> {
  try {
    return await done(seen().GET('/api/v1/recordings/{recording}', { params: { path: { recording: id } } }));
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

/** What a recording is called. */
export const titleOf = (r: Recording): string => r.title || r.name;

/** Where the media of a channel's recordings are for who looks: with a pass in the path where the channel is not public. */
export async function passTo(name: string): Promise<string> {
  const playback = await done(seen().POST('/api/v1/channels/by-name/{name}/playback', { params: { path: { name } }, body: {} }));
  return playback.replay;
}

/** A recording whose media are at that place. */
export function at(place: string, r: Recording): Recording {
  const { media } = r;
  if (media === undefined) return r;
  const moved = Object.entries(media).map(([what, path]) => [what, path.replace(/^\/vod\//, place)]);
  return { ...r, media: Object.fromEntries(moved) as typeof media };
}
