// Makes a few seconds of segmented video with the ffmpeg program and serves them as a live stream:
// sliding HLS playlists and a dynamic MPD over the same files, by the wall clock.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SECONDS = 40; // then it begins again, with a discontinuity
const WINDOW = 30; // segments listed
const VIDEOS = [
  { id: 0, size: '1280x720', width: 1280, height: 720, rate: 1_500_000, codec: 'avc1.64001f' },
  { id: 1, size: '640x360', width: 640, height: 360, rate: 500_000, codec: 'avc1.64001e' },
];
const AUDIO = VIDEOS.length;

const run = (args) => new Promise((done, fail) => {
  const p = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  p.on('error', fail);
  p.on('exit', (code) => (code === 0 ? done() : fail(new Error(`ffmpeg ended with ${code}`))));
});

/** Encodes the segments into a temporary folder. remove() deletes it. */
export async function makeMedia() {
  const dir = await mkdtemp(join(tmpdir(), 'weir-ui-'));
  const picture = `testsrc2=size=1280x720:rate=25:duration=${SECONDS}`;
  const tone = `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`;
  await run([
    '-v', 'error', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', tone,
    '-map', '0:v', '-map', '0:v', '-map', '1:a', '-s:v:1', VIDEOS[1].size, '-b:v:0', '1500k', '-b:v:1', '500k',
    '-c:v', 'libx264', '-profile:v', 'high', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-sc_threshold', '0',
    '-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-f', 'dash', '-seg_duration', '1', '-use_template', '1', '-use_timeline', '0',
    '-init_seg_name', 'init-$RepresentationID$.mp4', '-media_seg_name', 'seg-$RepresentationID$-$Number$.m4s', join(dir, 'x.mpd'),
  ]);
  await run(['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=1:duration=1', '-frames:v', '1', join(dir, 'thumb.jpg')]);
  return {
    read: (file) => readFile(join(dir, file)),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export function multivariant() {
  const audio = `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="main",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="${AUDIO}.m3u8"`;
  const videos = VIDEOS.map((v) =>
    `#EXT-X-STREAM-INF:BANDWIDTH=${v.rate},RESOLUTION=${v.size},FRAME-RATE=25,CODECS="${v.codec},mp4a.40.2",AUDIO="a"\n${v.id}.m3u8`);
  return ['#EXTM3U', '#EXT-X-VERSION:9', audio, ...videos, ''].join('\n');
}

/** The media playlist of a rendition. began: epoch ms of segment 0; over: whether the stream has ended. */
export function playlist(id, began, now, over) {
  const last = Math.floor((now - began) / 1000) - 1;
  const first = Math.max(0, last - WINDOW + 1);
  const out = ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-TARGETDURATION:1', `#EXT-X-MEDIA-SEQUENCE:${first}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${Math.floor(Math.max(0, first - 1) / SECONDS)}`, `#EXT-X-MAP:URI="init-${id}.mp4"`];
  for (let n = first; n <= last; n++) {
    if (n % SECONDS === 0 && n > 0) out.push('#EXT-X-DISCONTINUITY');
    out.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(began + n * 1000).toISOString()}`, '#EXTINF:1.00000,', `seg-${id}-${(n % SECONDS) + 1}.m4s`);
  }
  if (over) out.push('#EXT-X-ENDLIST');
  return `${out.join('\n')}\n`;
}

export function mpd(began) {
  const template = '<SegmentTemplate timescale="1000" duration="1000" startNumber="1" initialization="init-$RepresentationID$.mp4" media="seg-$RepresentationID$-$Number$.m4s"/>';
  const videos = VIDEOS.map((v) => `<Representation id="${v.id}" bandwidth="${v.rate}" width="${v.width}" height="${v.height}" frameRate="25" codecs="${v.codec}"/>`);
  return `<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" profiles="urn:mpeg:dash:profile:isoff-live:2011" availabilityStartTime="${new Date(began).toISOString()}"
 minimumUpdatePeriod="PT30S" minBufferTime="PT1S" timeShiftBufferDepth="PT30S" suggestedPresentationDelay="PT3S" maxSegmentDuration="PT1S">
<Period id="0" start="PT0S"><AdaptationSet mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">${template}${videos.join('')}</AdaptationSet>
<AdaptationSet mimeType="audio/mp4" segmentAlignment="true">${template}<Representation id="${AUDIO}" bandwidth="96000" codecs="mp4a.40.2" audioSamplingRate="48000"/></AdaptationSet></Period></MPD>`;
}
