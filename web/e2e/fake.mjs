// A stand-in for weir's public port: the built pages under the strict policy, the list of streams, and
// live media for the names that were begun. Playlists of names that are not live are held, as weir does.
// There is no WebRTC.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { mpd, multivariant, playlist } from './media.mjs';

export const POLICY = "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'";
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.jpg': 'image/jpeg',
  '.m3u8': 'application/vnd.apple.mpegurl', '.mpd': 'application/dash+xml', '.mp4': 'video/mp4', '.m4s': 'video/iso.segment', '.json': 'application/json',
};
const HOLD_MS = 10_000;
const HEAD_START_MS = 32_000; // a stream begins with a full window

const OWNER = { id: '0199a000-0000-7000-8000-000000000001', username: 'ada', display_name: 'Ada L.', bio: '', links: [], followers: 1204, created_at: '2026-01-01T00:00:00Z' };

/** Every name is a channel of hers. */
const channel = (name) => ({
  id: '0199a000-0000-7000-8000-000000000002', owner_id: OWNER.id, name, title: 'Looms and engines, late into the night', description: 'Weaving by steam.\nQuestions are welcome.',
  category: 'Craft', tags: ['looms', 'steam'], language: 'en', mature: false, visibility: 'public', scheduled_at: '2031-05-06T18:30:00Z', watch: `/watch/${name}`,
  created_at: '2026-01-01T00:00:00Z', version: 1,
});

export class Fake {
  constructor(dist, media) {
    this.dist = dist;
    this.media = media;
    this.live = new Map(); // name -> epoch ms of its first segment
    this.over = new Map(); // name -> {began, ended}: its playlists have an end
    this.held = new Set();
    this.server = createServer((q, r) => {
      this.answer(q, r).catch((err) => { r.writeHead(500).end(String(err)); });
    });
  }

  async listen() {
    await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((done) => { this.server.close(done); });
  }

  begin(name) {
    this.over.delete(name);
    this.live.set(name, Date.now() - HEAD_START_MS);
    for (const wake of this.held) wake();
  }

  end(name) {
    this.over.set(name, { began: this.live.get(name), ended: Date.now() });
    this.live.delete(name);
  }

  streams() {
    return [...this.live.entries()].map(([name, began], i) => ({
      name, started_at: new Date(began - i * 780_000).toISOString(), width: 1280, height: 720, frame_rate: i % 2 ? 60 : 30,
      video_codec: 'avc1.64001f', audio_codec: 'mp4a.40.2', bitrate: 2_500_000, renditions: [{ name: 'source' }, { name: '360p' }],
      hls: `/live/${name}/index.m3u8`, dash: `/live/${name}/manifest.mpd`, thumbnail: `/live/${name}/thumb.jpg`, watch: `/watch/${name}`,
      title: i === 0 ? channel(name).title : '', category: i === 0 ? 'Craft' : '', mature: i === 1, viewers: i * 12, channel_id: channel(name).id,
    }));
  }

  async answer(request, response) {
    const path = new URL(request.url, 'http://x').pathname;
    const media = /^\/live\/([a-z0-9_-]+)\/([A-Za-z0-9_.-]+)$/.exec(path);
    if (path === '/api/v1/streams') return this.send(response, '.json', JSON.stringify({ streams: this.streams() }));
    if (path === '/api/v1/server') return this.send(response, '.json', JSON.stringify({ version: 'fake', publish: 'key', rtmp_port: 1935, rtmps_port: 0 }));
    if (path.startsWith('/api/v1/channels/by-name/')) return this.send(response, '.json', JSON.stringify(channel(path.split('/').at(-1))));
    if (/^\/api\/v1\/channels\/[^/]+\/recordings$/.test(path)) return this.send(response, '.json', JSON.stringify({ items: [] }));
    if (path === `/api/v1/users/${OWNER.id}`) return this.send(response, '.json', JSON.stringify(OWNER));
    if (media?.[2] === 'whep') return response.writeHead(501).end();
    if (media) return this.stream(request, response, media[1], media[2]);
    if (path === '/') return this.file(response, 'index.html');
    if (path.startsWith('/watch')) return this.file(response, 'watch.html');
    return this.file(response, path);
  }

  async file(response, path) {
    const file = join(this.dist, normalize(`/${path}`));
    const body = await readFile(file).catch(() => null);
    return body === null ? this.missing(response) : this.send(response, extname(file), body);
  }

  async stream(request, response, name, file) {
    if (file === 'index.m3u8' || file === 'manifest.mpd') {
      if (!(await this.wait(request, name))) return this.missing(response);
      return this.send(response, extname(file), file === 'index.m3u8' ? multivariant() : mpd(this.live.get(name)));
    }
    const rendition = /^(\d)\.m3u8$/.exec(file);
    if (!rendition) return this.send(response, extname(file), await this.media.read(file));
    const past = this.over.get(name);
    const began = this.live.get(name) ?? past?.began;
    if (began === undefined) return this.missing(response);
    return this.send(response, '.m3u8', playlist(Number(rendition[1]), began, past?.ended ?? Date.now(), past !== undefined));
  }

  /** Resolves to whether the name is live, as soon as it is, or after the time that a request is held. */
  async wait(request, name) {
    const until = Date.now() + HOLD_MS;
    while (!this.live.has(name) && Date.now() < until && !request.destroyed) {
      await new Promise((done) => {
        const wake = () => {
          clearTimeout(timer);
          this.held.delete(wake);
          done();
        };
        const timer = setTimeout(wake, until - Date.now());
        this.held.add(wake);
        request.on('close', wake);
      });
    }
    return this.live.has(name);
  }

  send(response, type, body) {
    response.writeHead(200, { 'content-type': TYPES[type] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'cache-control': 'no-store' });
    response.end(body);
  }

  missing(response) {
    response.writeHead(404, { 'content-type': 'text/plain', 'content-security-policy': POLICY }).end('not found\n');
  }
}
