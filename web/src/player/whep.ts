import type { Engine, EngineEvents, Failure } from './engine';

/** A connection that does not stand so long after the answer does not get through to this viewer. */
const CONNECT_MS = 8_000;
/** Nothing has come for so long: the publisher dropped, or the network did. */
const QUIET_MS = 4_000;
const LOOK_MS = 1_000;
/** The server answers an offer at once. */
const ANSWER_MS = 8_000;

/** What an answer other than 201 means: not for this viewer, not live, not possible here, or trouble that passes. */
export function refusal(status: number): Failure {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404 || status === 409 || status === 410) return 'absent';
  // 429: many begin at once; the next try is a little later.
  if (status === 429) return 'network';
  // 503: there are too many viewers by WebRTC, or none can be.
  if (status < 500 || status === 501 || status === 503) return 'unfit';
  return 'network';
}

/** One session with the server (draft-ietf-wish-whep), from the offer to leave. */
class Session {
  private readonly connection = new RTCPeerConnection();
  private readonly stream = new MediaStream();
  private readonly gone = new AbortController();
  /** The address of the session; "" before the answer and after it was given up. */
  private address = '';
  private connected = false;
  /** Bytes received by the last look, and when they last grew, in milliseconds of performance.now. */
  private bytes = 0;
  private since = 0;
  private timers: number[] = [];

  constructor(private readonly video: HTMLVideoElement, private readonly url: string, private readonly events: EngineEvents) {
    const { connection } = this;
    const on = { signal: this.gone.signal };
    for (const kind of ['video', 'audio']) connection.addTransceiver(kind, { direction: 'recvonly' });
    connection.addEventListener('track', (e) => this.stream.addTrack(e.track), on);
    connection.addEventListener('connectionstatechange', () => this.changed(), on);
    window.addEventListener('pagehide', () => { void this.end(); }, on);
    video.srcObject = this.stream;
  }

  /** Makes the offer and takes the answer. */
  async ask(): Promise<void> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const sdp = this.connection.localDescription?.sdp ?? '';
    const answer = await this.post(sdp);
    if (answer === null) return this.fail('network');
    if (answer.status !== 201) return this.fail(refusal(answer.status));
    this.address = answer.headers.get('location') ?? '';
    if (this.gone.signal.aborted) return this.end(); // left before the answer came
    await this.connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    if (this.gone.signal.aborted) return;
    this.timers = [
      window.setTimeout(() => { if (!this.connected) this.fail('unfit'); }, CONNECT_MS),
      window.setInterval(() => { void this.look(); }, LOOK_MS),
    ];
    // The server says that it is over by DTLS, of which the state of the connection does not tell.
    for (const { transport } of this.connection.getReceivers()) {
      transport?.addEventListener('statechange', () => { if (transport.state === 'closed') this.over(); }, { signal: this.gone.signal });
    }
    this.events.found();
  }

  /** Lets go of everything; the server is told. */
  leave(): void {
    this.stop();
    this.video.srcObject = null;
    // A closed connection would end the session before it is asked to end.
    void this.end().finally(() => this.connection.close());
  }

  fail(why: Failure): void {
    if (this.gone.signal.aborted) return;
    this.stop();
    this.events.failed(why);
  }

  private stop(): void {
    this.gone.abort();
    this.timers.forEach((t) => window.clearTimeout(t));
  }

  /** Not ended by leave: the session would be the server's to find out about. Null: there is no answer. */
  private post(body: string): Promise<Response | null> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    return fetch(this.url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body, signal }).catch(() => null);
  }

  /** Ends the session at the server, also while the page goes away. */
  private async end(): Promise<void> {
    const { address } = this;
    this.address = '';
    // One that is over already is answered by 404.
    if (address !== '') await fetch(address, { method: 'DELETE', keepalive: true }).catch(() => null);
  }

  /** The server has ended the session. */
  private over(): void {
    this.address = '';
    this.fail('hole');
  }

  private changed(): void {
    const state = this.connection.connectionState;
    if (state === 'connected') this.connected = true;
    if (state === 'failed') this.fail(this.connected ? 'hole' : 'unfit');
  }

  /** Looks whether media still comes, once some has. */
  private async look(): Promise<void> {
    let bytes = 0;
    (await this.connection.getStats()).forEach((s: { type: string; bytesReceived?: number }) => {
      if (s.type === 'inbound-rtp') bytes += s.bytesReceived ?? 0;
    });
    const now = performance.now();
    if (bytes !== this.bytes) [this.bytes, this.since] = [bytes, now];
    else if (bytes > 0 && now - this.since >= QUIET_MS) this.fail('hole');
  }
}

/**
 * WebRTC, by the browser alone: some tenths of a second behind the camera. The server chooses the
 * quality, and there is nothing to go back in. What it cannot do here it tells as "unfit".
 */
export function start(video: HTMLVideoElement, url: string, events: EngineEvents): Engine {
  let session: Session | null = null;
  let gone = false;
  // Nothing is told before the owner has the engine.
  void Promise.resolve().then(async () => {
    if (gone) return undefined;
    if (typeof RTCPeerConnection === 'undefined') return events.failed('unfit');
    session = new Session(video, url, events);
    return session.ask().catch(() => session?.fail('unfit'));
  });
  return {
    latency: () => null,
    target: () => null,
    goLive() {}, // what plays is live
    follow() {},
    select() {},
    hear() {},
    destroy() {
      gone = true;
      session?.leave();
    },
  };
}
