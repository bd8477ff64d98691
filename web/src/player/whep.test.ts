import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineEvents, Failure } from './engine';
import { refusal, start } from './whep';

const URL_OF = '/live/~pass/demo/whep';
const SESSION = `${URL_OF}/42`;

/** A browser's connection, as far as the engine sees it. */
class Connection extends EventTarget {
  static made: Connection[] = [];
  readonly transport = Object.assign(new EventTarget(), { state: 'new' });
  readonly wanted: string[] = [];
  connectionState = 'new';
  localDescription: { sdp: string } | null = null;
  answer = '';
  bytes = 0;
  closed = false;

  constructor() {
    super();
    Connection.made.push(this);
  }

  addTransceiver(kind: string, { direction }: { direction: string }): void { this.wanted.push(`${kind} ${direction}`); }
  createOffer() { return Promise.resolve({ sdp: 'offer' }); }
  setLocalDescription(d: { sdp: string }) { this.localDescription = d; return Promise.resolve(); }
  setRemoteDescription(d: { sdp: string }) {
    this.answer = d.sdp;
    const track = Object.assign(new Event('track'), { track: 'the picture' });
    this.dispatchEvent(track);
    return Promise.resolve();
  }
  getReceivers() { return [{ transport: this.transport }]; }
  getStats() { return Promise.resolve(new Map([['a', { type: 'inbound-rtp', bytesReceived: this.bytes }], ['b', { type: 'transport', bytesReceived: 999 }]])); }
  close(): void { this.closed = true; }

  state(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }
}

class Stream {
  readonly tracks: unknown[] = [];
  addTrack(t: unknown): void { this.tracks.push(t); }
}

interface Asked { url: string; method: string; body?: string; keepalive?: boolean }

let asked: Asked[] = [];
let answers: () => Promise<Response> = () => Promise.reject(new Error('no answer'));
let page = new EventTarget();

const created = () => Promise.resolve(new Response('answer', { status: 201, headers: { location: SESSION } }));

/** The engine after all that needs no time. */
async function begin() {
  const told: (Failure | 'found')[] = [];
  const events: EngineEvents = { found: () => told.push('found'), failed: (why) => told.push(why), rungs() {}, sounds() {}, rendition() {} };
  const video = { srcObject: null } as unknown as HTMLVideoElement;
  const engine = start(video, URL_OF, events);
  await vi.advanceTimersByTimeAsync(0);
  return { told, video, engine, connection: () => Connection.made[0]! };
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answers = created;
  page = new EventTarget();
  Connection.made = [];
  vi.stubGlobal('RTCPeerConnection', Connection);
  vi.stubGlobal('MediaStream', Stream);
  vi.stubGlobal('window', Object.assign(page, {
    setTimeout: (f: () => void, ms: number) => setTimeout(f, ms),
    setInterval: (f: () => void, ms: number) => setInterval(f, ms),
    clearTimeout: (t: number) => clearTimeout(t),
  }));
  vi.stubGlobal('fetch', (url: string, init: Omit<Asked, 'url'>) => {
    asked.push({ url, ...init });
    return init.method === 'POST' ? answers() : Promise.resolve(new Response(''));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('watching over WebRTC', () => {
  it('offers, plays what is answered, and says goodbye once', async () => {
    const { told, video, engine, connection } = await begin();
    expect(asked).toMatchObject([{ url: URL_OF, method: 'POST', body: 'offer', headers: { 'content-type': 'application/sdp' } }]);
    expect(connection()).toMatchObject({ wanted: ['video recvonly', 'audio recvonly'], answer: 'answer' });
    expect(video.srcObject).toMatchObject({ tracks: ['the picture'] });
    expect(told).toEqual(['found']);
    engine.destroy();
    page.dispatchEvent(new Event('pagehide'));
    expect(asked.slice(1)).toEqual([{ url: SESSION, method: 'DELETE', keepalive: true }]);
    expect(video.srcObject).toBeNull();
    expect(connection().closed).toBe(false); // not before the server knows
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection().closed).toBe(true);
    expect(told).toEqual(['found']);
  });

  it('says goodbye when the page goes away, and when the answer comes too late', async () => {
    await begin();
    page.dispatchEvent(new Event('pagehide'));
    expect(asked.map((a) => a.method)).toEqual(['POST', 'DELETE']);

    const waiting: ((r: Response) => void)[] = [];
    answers = () => new Promise((done) => { waiting.push(done); });
    const { engine, told } = await begin();
    engine.destroy();
    waiting[0]?.(await created());
    await vi.advanceTimersByTimeAsync(0);
    expect(asked.slice(2).map((a) => a.method)).toEqual(['POST', 'DELETE']);
    expect(told).toEqual([]);
  });

  it('asks nobody when it is thrown away at once', async () => {
    start({} as HTMLVideoElement, URL_OF, {} as EngineEvents).destroy();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual([]);
  });

  it.each([[404, 'absent'], [409, 'absent'], [403, 'denied'], [406, 'unfit'], [405, 'unfit'], [501, 'unfit'], [503, 'unfit'], [502, 'network'], [429, 'network']] as const)(
    'an answer of %d means %s', async (status, why) => {
      answers = () => Promise.resolve(new Response('', { status }));
      const { told, engine } = await begin();
      expect(told).toEqual([why]);
      expect(refusal(status)).toBe(why);
      engine.destroy();
      expect(asked).toHaveLength(1); // there is no session to end
    });

  it('tells of a server that does not answer, and of a browser that cannot', async () => {
    answers = () => Promise.reject(new TypeError('no network'));
    expect((await begin()).told).toEqual(['network']);
    vi.stubGlobal('RTCPeerConnection', undefined);
    expect((await begin()).told).toEqual(['unfit']);
  });

  it('gives up on a connection that never stands', async () => {
    const { told } = await begin();
    await vi.advanceTimersByTimeAsync(7_900);
    expect(told).toEqual(['found']);
    await vi.advanceTimersByTimeAsync(200);
    expect(told).toEqual(['found', 'unfit']);
  });

  it('begins anew when a connection that stood fails, or the server ends it', async () => {
    const one = await begin();
    one.connection().state('connected');
    await vi.advanceTimersByTimeAsync(60_000); // before the first picture the owner is the one to wait
    one.connection().state('failed');
    expect(one.told).toEqual(['found', 'hole']);

    Connection.made = [];
    const other = await begin();
    other.connection().state('connected');
    other.connection().transport.state = 'closed';
    other.connection().transport.dispatchEvent(new Event('statechange'));
    expect(other.told).toEqual(['found', 'hole']);
    other.engine.destroy();
    expect(asked.filter((a) => a.method === 'DELETE')).toEqual([]); // the server knows
  });

  it('notices that nothing comes any more', async () => {
    const { told, connection } = await begin();
    connection().state('connected');
    for (let s = 0; s < 10; s++) {
      connection().bytes += 1000;
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told).toEqual(['found']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toEqual(['found', 'hole']);
  });
});
