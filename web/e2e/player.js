// Runs in player.html: plays an address by a player library with its default settings. What is wanted is
// in window.wanted before; what the player says is in window.said.
const script = (src) => new Promise((done, fail) => {
  const s = document.createElement('script');
  s.src = src;
  s.addEventListener('load', done);
  s.addEventListener('error', () => fail(new Error(`cannot load ${src}`)));
  document.head.append(s);
});

const said = { player: '', version: '', levels: [], codec: '', errors: [], fatal: [] };
const video = document.querySelector('video');
/** What the browser decodes: the types of the buffers that the player makes. */
said.buffers = [];
const { MediaSource } = window;
const { addSourceBuffer } = MediaSource.prototype;
MediaSource.prototype.addSourceBuffer = function add(type) {
  said.buffers.push(type);
  return addSourceBuffer.call(this, type);
};
const keep = (list, entry) => { if (list.length < 50) list.push(entry); };

const players = {
  async hls({ height, codec, config }) {
    await script('/hls.js');
    const { Hls } = window;
    said.version = Hls.version;
    const hls = new Hls(config ?? {});
    // On a busy machine hls.js 1.7 may lose its place in its own queue of what to append. It asks a page to
    // have it begin again from there, as the watch page does; a second such error is for the report.
    let recovered = false;
    hls.on(Hls.Events.ERROR, (_, e) => {
      const again = e.fatal && e.details === Hls.ErrorDetails.BUFFER_APPEND_ERROR && !recovered;
      keep(e.fatal && !again ? said.fatal : said.errors, `${e.details} ${e.response?.code ?? ''} ${e.error?.message ?? ''}`.trim());
      if (!again) return;
      recovered = true;
      hls.recoverMediaError();
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      said.levels = hls.levels.map((l) => l.height);
      const level = hls.levels.findIndex((l) => (codec ? [l.videoCodec, l.audioCodec].some((c) => c?.startsWith(codec)) : l.height === height));
      if ((height || codec) && level < 0) keep(said.fatal, `there is no level of ${codec ?? height} in ${said.levels}`);
      if (level >= 0) hls.currentLevel = level;
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, e) => { said.codec = hls.levels[e.level].videoCodec ?? ''; });
    hls.attachMedia(video);
    return { load: (url) => hls.loadSource(url), latency: () => hls.latency };
  },

  async dash({ height, codec, config }) {
    await script('/dash.js');
    const player = window.dashjs.MediaPlayer().create();
    said.version = player.getVersion();
    player.updateSettings({ debug: { logLevel: 0 }, streaming: { manifestRequestTimeout: 20_000, ...config } });
    const events = window.dashjs.MediaPlayer.events;
    player.on(events.ERROR, (e) => keep(said.fatal, `${e.error?.code ?? ''} ${e.error?.message ?? e.error}`));
    player.on(events.PLAYBACK_ERROR, (e) => keep(said.fatal, `playback ${e.error?.message ?? e.error}`));
    player.on(events.TRACK_CHANGE_RENDERED, (e) => { if (e.mediaType === 'video') said.codec = e.newMediaInfo.codec; });
    if (codec) {
      player.setCustomInitialTrackSelectionFunction((tracks) => {
        const such = tracks.filter((t) => t.codec.includes(codec));
        return such.length > 0 ? such : tracks.slice(0, 1);
      });
    }
    player.on(events.STREAM_INITIALIZED, () => {
      said.codec = player.getCurrentTrackFor('video')?.codec ?? '';
      const list = player.getRepresentationsByType('video') ?? [];
      said.levels = list.map((r) => r.height);
      const chosen = list.find((r) => r.height === height);
      if (height && !chosen) keep(said.fatal, `there is no representation of ${height} lines in ${said.levels}`);
      if (!chosen) return;
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
      player.setRepresentationForTypeById('video', chosen.id, true);
    });
    player.initialize();
    player.clearDefaultUTCTimingSources();
    player.attachView(video);
    player.setAutoPlay(true);
    return { load: (url) => player.attachSource(url), latency: () => player.getCurrentLiveLatency() };
  },

  /** Shaka plays both, by what the address ends in. */
  async shaka({ config }) {
    await script('/shaka.js');
    const { shaka } = window;
    said.version = shaka.Player.version;
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    if (config) player.configure(config);
    player.addEventListener('error', ({ detail: e }) => keep(e.severity === shaka.util.Error.Severity.CRITICAL ? said.fatal : said.errors, `${e.category} ${e.code} ${e.data?.[0] ?? ''}`));
    await player.attach(video);
    const load = async (url) => {
      await player.load(url);
      const list = player.getVariantTracks();
      said.levels = [...new Set(list.map((t) => t.height))];
      said.codec = list.find((t) => t.active)?.videoCodec ?? '';
    };
    return { load: (url) => { load(url).catch((e) => keep(said.fatal, `load: ${e.code ?? e}`)); }, latency: () => null };
  },

  /** WebRTC, by the browser alone (draft-ietf-wish-whep). */
  async whep() {
    const connection = new RTCPeerConnection();
    for (const kind of ['video', 'audio']) connection.addTransceiver(kind, { direction: 'recvonly' });
    const stream = new MediaStream();
    connection.addEventListener('track', (e) => { stream.addTrack(e.track); });
    connection.addEventListener('connectionstatechange', () => { if (connection.connectionState === 'failed') keep(said.fatal, 'the connection failed'); });
    video.srcObject = stream;
    said.stats = async () => {
      const list = [...(await connection.getStats()).values()].filter((s) => s.type === 'inbound-rtp');
      return list.map(({ kind, packetsReceived, packetsLost, framesDecoded, frameWidth, frameHeight, freezeCount, pliCount, nackCount, jitterBufferDelay, jitterBufferEmittedCount }) => ({ kind, packetsReceived, packetsLost, framesDecoded, frameWidth, frameHeight, freezeCount, pliCount, nackCount, jitterBufferDelay, jitterBufferEmittedCount }));
    };
    const load = async (url) => {
      await connection.setLocalDescription(await connection.createOffer());
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: connection.localDescription.sdp });
      const text = await answer.text();
      if (answer.status !== 201) throw new Error(`${answer.status} ${text}`);
      await connection.setRemoteDescription({ type: 'answer', sdp: text });
    };
    return { load: (url) => { load(url).catch((e) => keep(said.fatal, String(e))); }, latency: () => null };
  },
};

/** What to play: the player, options (height or codec forces a level; config is the library's own), the address. */
const [name, options, url] = window.wanted;
said.player = name;
window.said = said;
const player = await players[name](options);
window.player = player;
video.addEventListener('error', () => keep(said.fatal, `video element: ${video.error?.message ?? video.error?.code}`));
video.addEventListener('canplay', () => { video.play().catch((e) => keep(said.errors, String(e))); });
player.load(url);
