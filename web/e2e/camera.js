// Runs in camera.html: a moving picture with the clock of weir's test card in it, and a tone, published by
// WHIP with the browser's own encoders.
const CELLS = 32;
const canvas = document.querySelector('canvas');
const pen = canvas.getContext('2d', { alpha: false });

/** The clock's strip on top: the highest bit at the left, the lower row the complement. */
function paint() {
  const now = Date.now();
  const { width, height } = canvas;
  pen.fillStyle = `hsl(${Math.floor(now / 20) % 360} 60% 40%)`;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = '#fff';
  pen.fillRect((now / 4) % width, height / 2, 80, 80);
  const row = height / 30;
  const cell = width / CELLS;
  const value = now % 2 ** CELLS;
  for (let i = 0; i < CELLS; i++) {
    const on = Math.floor(value / 2 ** (CELLS - 1 - i)) % 2 === 1;
    pen.fillStyle = on ? '#fff' : '#000';
    pen.fillRect(i * cell, 0, cell, row);
    pen.fillStyle = on ? '#000' : '#fff';
    pen.fillRect(i * cell, row, cell, row);
  }
}

/** Publishes to a WHIP address with a key; gives the state of the connection when it stands. */
window.publish = async (url, key) => {
  paint();
  setInterval(paint, 1000 / 30);
  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(sound);
  tone.connect(out);
  tone.start();
  const stream = canvas.captureStream(30);
  stream.addTrack(out.stream.getAudioTracks()[0]);
  const connection = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    if (track.kind !== 'video') continue;
    const { codecs } = RTCRtpSender.getCapabilities('video');
    transceiver.setCodecPreferences(codecs.toSorted((a, b) => Number(b.mimeType === 'video/H264') - Number(a.mimeType === 'video/H264')));
    const parameters = transceiver.sender.getParameters();
    for (const e of parameters.encodings) e.maxBitrate = 3_000_000;
    await transceiver.sender.setParameters(parameters);
  }
  await connection.setLocalDescription();
  const headers = { 'content-type': 'application/sdp', ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const answer = await fetch(url, { method: 'POST', headers, body: connection.localDescription.sdp });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status} ${text}`);
  await connection.setRemoteDescription({ type: 'answer', sdp: text });
  await new Promise((done, fail) => {
    const look = () => {
      if (connection.connectionState === 'connected') done();
      if (connection.connectionState === 'failed') fail(new Error('the connection failed'));
    };
    connection.addEventListener('connectionstatechange', look);
    look();
  });
  window.connection = connection;
};
