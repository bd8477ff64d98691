// A weir of its own for a test: free ports, a folder that is removed afterwards, links of mails in the log.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LATE_MS = 30_000;

async function freePort() {
  const server = createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const { port } = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
}

export class Weir {
  /** Starts the program, with more settings, and waits until it is up. */
  static async start(program, more = {}) {
    const weir = new Weir();
    weir.folder = await mkdtemp(join(tmpdir(), 'weir-web-'));
    weir.said = '';
    weir.log = '';
    const address = `127.0.0.1:${await freePort()}`; // known before, since providers send people back there
    const env = {
      ...process.env, WEIR_HTTP_ADDR: address, WEIR_PUBLIC_URL: `http://${address}`, WEIR_ADMIN_ADDR: '127.0.0.1:0', WEIR_RTMP_ADDR: '127.0.0.1:0', WEIR_SRT_ADDR: '127.0.0.1:0', WEIR_RTSP_ADDR: '', WEIR_WEBRTC_ADDR: '127.0.0.1:0',
      WEIR_DATA_DIR: weir.folder,
      WEIR_LOG_LINKS: 'true', WEIR_LOG_FORMAT: 'json', WEIR_LADDER: 'off', ...more,
    };
    weir.child = spawn(program, ['all'], { cwd: weir.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    weir.ended = new Promise((done) => { weir.child.on('close', done); });
    weir.child.on('error', (err) => { weir.log += `${err.message}\n`; });
    weir.child.stdout.on('data', (text) => { weir.said += text; });
    weir.child.stderr.on('data', (text) => { weir.log += text; });
    const [, base] = await weir.find('said', /Watch\s+(http:\S+?)\/?\n/);
    [, weir.password] = await weir.find('said', /Account\s+admin, password: (\w+)/);
    [, weir.rtmp] = await weir.find('said', /Publish\s+(rtmp:\S+)\n/);
    weir.base = base;
    return weir;
  }

  /** Waits for words of the banner ("said") or of the log. */
  async find(where, what) {
    for (const end = Date.now() + LATE_MS; Date.now() < end;) {
      const found = what.exec(this[where]);
      if (found) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((done) => { setTimeout(done, 50); });
    }
    throw new Error(`weir did not say ${what}: ${this.log.slice(-2000)}`);
  }

  /** The newest link to a page that a mail would have, as a path. */
  async link(page) {
    const [link] = await this.find('log', new RegExp(`/${page}#token=[\\w-]+(?![\\s\\S]*/${page}#token)`));
    return link;
  }

  /** Sends a test picture and a tone with the ffmpeg program until stop() of what is returned, or until it is sent away. */
  publish(key) {
    const input = ['-re', '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25', '-re', '-f', 'lavfi', '-i', 'sine=r=48000'];
    const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25', '-b:v', '600k', '-c:a', 'aac', '-ac', '2'];
    const child = spawn('ffmpeg', ['-v', 'error', ...input, ...coding, '-f', 'flv', `${this.rtmp}/${key}`], { stdio: 'ignore' });
    const ended = new Promise((done) => { child.on('close', done); });
    return { ended, stop: () => { child.kill('SIGTERM'); return ended; } };
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The code of an authenticator app (RFC 6238), so many steps of 30 s away from now. */
export function code(secret, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = mac.at(-1) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
