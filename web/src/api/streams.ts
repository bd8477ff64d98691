import { useEffect, useState } from 'react';
import { dashAddress, hlsAddress } from './addresses';

/** One live stream, as `GET /api/v1/streams` tells it. */
export interface Stream {
  name: string;
  /** When the session began, epoch milliseconds of the server's clock; null when not told. */
  startedAt: number | null;
  /** Picture size in pixels; 0 when not known yet, or without a picture. */
  width: number;
  height: number;
  frameRate: number;
  videoCodec: string;
  audioCodec: string;
  /** Bits per second of the source. */
  bitrate: number;
  /** Renditions from the best down; "source" is the publisher's own picture. */
  renditions: string[];
  /** Addresses on this origin; thumbnail is "" when there is none. */
  hls: string;
  dash: string;
  thumbnail: string;
  watch: string;
  /** What the channel is called and about; "" when that is not told. */
  title: string;
  category: string;
  mature: boolean;
  /** Who watches at the moment. */
  viewers: number;
  /** "" when the name is nobody's channel. */
  channelId: string;
}

const LIST = '/api/v1/streams';
const TOO_LATE_MS = 10_000;

type Fields = Record<string, unknown>;

const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v);
const text = (v: unknown, fallback = ''): string => (typeof v === 'string' ? v : fallback);
const count = (v: unknown): number => (typeof v === 'number' && Number.isFinite(v) && v > 0 ? v : 0);

/** An address of this origin, or the fallback: the list never sends anybody elsewhere. */
function local(v: unknown, fallback: string): string {
  const s = text(v);
  return s.startsWith('/') && !s.startsWith('//') && !s.startsWith('/\\') ? s : fallback;
}

function parseStream(v: unknown): Stream | null {
  if (!isFields(v)) return null;
  const name = text(v['name']);
  if (name === '') return null;
  const started = Date.parse(text(v['started_at']));
  const renditions = Array.isArray(v['renditions']) ? v['renditions'] : [];
  return {
    name,
    startedAt: Number.isNaN(started) ? null : started,
    width: count(v['width']),
    height: count(v['height']),
    frameRate: count(v['frame_rate']),
    videoCodec: text(v['video_codec']),
    audioCodec: text(v['audio_codec']),
    bitrate: count(v['bitrate']),
    renditions: renditions.map((r: unknown) => (r as { name?: unknown } | null)?.name).filter((n): n is string => typeof n === 'string'),
    hls: local(v['hls'], hlsAddress(name)),
    dash: local(v['dash'], dashAddress(name)),
    thumbnail: local(v['thumbnail'], ''),
    watch: local(v['watch'], `/watch/${name}`),
    title: text(v['title']),
    category: text(v['category']),
    mature: v['mature'] === true,
    viewers: count(v['viewers']),
    channelId: text(v['channel_id']),
  };
}

/** Reads the answer of the list. Throws a TypeError when it is not a list; entries without a name are left out. */
export function parseStreams(body: unknown): Stream[] {
  const list = isFields(body) ? body['streams'] : undefined;
  if (list === null) return [];
  if (!Array.isArray(list)) throw new TypeError('the list of streams is not a list');
  return list.map(parseStream).filter((s): s is Stream => s !== null);
}

/** What a pass opens, from the answer of a playback; null when nothing is on the air. */
export function parseShown(name: string, body: unknown): Stream | null {
  const { channel, showing } = isFields(body) ? body : {};
  if (!isFields(channel) || !isFields(showing)) return null;
  const source = isFields(showing['source']) ? showing['source'] : {};
  return parseStream({
    name, title: channel['title'], category: channel['category'], mature: channel['mature'], channel_id: channel['id'],
    started_at: showing['started_at'], viewers: showing['viewers'], width: source['width'], height: source['height'],
    frame_rate: source['fps'], video_codec: source['video'], audio_codec: source['audio'],
  });
}

/** True when a stream is known to have sound and no picture. A young one may not have told either yet. */
export const soundOnly = (s: Stream): boolean => s.videoCodec === '' && s.audioCodec !== '' && s.width === 0;

/** Asks the server who is live. */
export async function fetchStreams(signal: AbortSignal): Promise<Stream[]> {
  const answer = await fetch(LIST, { signal, headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return parseStreams(await answer.json());
}

/** What is known about the list: null before the first answer. */
export interface StreamList {
  streams: Stream[] | null;
  failed: boolean;
}

/** Who is live, asked again every `everyMs` while the page can be seen, and at once when `occasion` changes. */
export function useStreams(everyMs: number, occasion = ''): StreamList {
  const [list, setList] = useState<StreamList>({ streams: null, failed: false });
  useEffect(() => {
    let gone = false;
    let timer = 0;
    let asking: AbortController | null = null;
    const ask = async () => {
      asking?.abort();
      const mine = (asking = new AbortController());
      const late = window.setTimeout(() => mine.abort(), TOO_LATE_MS);
      try {
        const streams = await fetchStreams(mine.signal);
        setList({ streams, failed: false });
      } catch {
        // Aborted by a newer question or by leaving: not the server's failure.
        if (gone || asking !== mine) return;
        setList((old) => ({ ...old, failed: true }));
      } finally {
        window.clearTimeout(late);
      }
      window.clearTimeout(timer);
      if (!gone && !document.hidden) timer = window.setTimeout(ask, everyMs);
    };
    const seen = () => {
      window.clearTimeout(timer);
      if (!document.hidden) void ask();
    };
    document.addEventListener('visibilitychange', seen);
    void ask();
    return () => {
      gone = true;
      asking?.abort();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- the occasion is only a reason to ask
  }, [everyMs, occasion]);
  return list;
}
