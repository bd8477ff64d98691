// Plays a live stream in headless Chromium and measures it on the screen, by the clock that weir's test
// card burns into every frame: from the camera to the glass, start, stalls, switches, errors.
//
//   node e2e/play.mjs URL [--player hls|dash|shaka|whep] [--height LINES] [--codec NAME] [--config JSON] [--seconds N] [--frames N] [--warmup N]
//   node e2e/play.mjs URL --publish WHIP-URL [--key KEY] ...   publishes itself first, with Chromium's encoders
//   node e2e/play.mjs --watch BASE/watch/NAME [--own-hls] [--seconds N] [--warmup N]
//   node e2e/play.mjs --stdin
//
// Prints a report as one line of JSON; exit code 0 when a frame came on screen. With --stdin each line
// read is a request: an object with a number `id`, the options above (`url`, `watch`, ...) and `tab`: the
// tab waits, empty, until {id, go: true} comes. Answers are {id, event: "open"} when the page is waiting for
// the stream, or the tab for its page, and {id, event: "report", ...}. One browser serves all of them, a
// page each. With --frames a
// viewer stays until it has seen so many, however long that takes, and then for the seconds (none by default).
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(dirname(createRequire(import.meta.url).resolve('hls.js/package.json')), '..');
const FILES = {
  '/player.js': [join(here, 'player.js'), 'text/javascript'],
  '/camera': [join(here, 'camera.html'), 'text/html'],
  '/camera.js': [join(here, 'camera.js'), 'text/javascript'],
  '/hls.js': [join(modules, 'hls.js/dist/hls.min.js'), 'text/javascript'],
  '/dash.js': [join(modules, 'dashjs/dist/modern/umd/dash.all.min.js'), 'text/javascript'],
  '/shaka.js': [join(modules, 'shaka-player/dist/shaka-player.compiled.js'), 'text/javascript'],
};
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio', '--ignore-certificate-errors',
];
const GIVE_UP_MS = 30_000; // without a first frame, or without as many as wanted

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    player: { type: 'string', default: 'hls' },
    watch: { type: 'string' },
    publish: { type: 'string' },
    key: { type: 'string' },
    height: { type: 'string', default: '0' },
    'own-hls': { type: 'boolean', default: false }, // as in a browser without Media Source Extensions, such as Safari on phones
    codec: { type: 'string' }, // such as av01 or opus: the rendition whose CODECS has it
    config: { type: 'string' },
    seconds: { type: 'string' },
    frames: { type: 'string', default: '0' },
    warmup: { type: 'string', default: '0' },
    chrome: { type: 'string', default: '/usr/bin/chromium' },
    stdin: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false }, // the only form there is
  },
});

/** Serves the page with the players on a port of its own: `/?hls`, so that the library is fetched beside the page's own code. */
async function servePages() {
  const page = await readFile(join(here, 'player.html'), 'utf8');
  const server = createServer((request, response) => {
    const [path, player = ''] = request.url.split('?');
    const [file, type] = FILES[path] ?? [];
    if (path === '/') {
      const library = FILES[`/${player}.js`] ? `<link rel="preload" as="script" href="/${player}.js">` : '';
      response.writeHead(200, { 'content-type': 'text/html' }).end(page.replace('<!--library-->', library));
      return;
    }
    response.writeHead(file ? 200 : 404, { 'content-type': type ?? 'text/plain' });
    if (file) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  return { base: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Opens the page so far that only the stream is missing. */
async function open(page, base, job) {
  await page.goto(job.watch ?? `${base}?${job.player ?? 'hls'}`, { waitUntil: 'domcontentloaded' });
  await page.waitForFunction(() => window.observer && (window.observer.video.closest('.player') || window.player));
}

/** Waits for the first frame, or so many, and for so many seconds from there. */
async function look(page, job) {
  const seen = await page.waitForFunction((n) => window.observer.seen >= n, Math.max(1, job.frames ?? 0), { timeout: GIVE_UP_MS, polling: 50 }).then(() => true, () => false);
  if (seen) await pause((job.seconds ?? (job.frames ? 0 : 10)) * 1000);
  const report = await page.evaluate((warmup) => window.observer.report(warmup), (job.warmup ?? 0) * 1000);
  const said = await page.evaluate(async () => (window.said ? { ...window.said, stats: await window.said.stats?.() } : null));
  if (job.watch) {
    const attribute = (name) => page.locator('.player').getAttribute(name);
    return { ...report, state: await attribute('data-state'), rendition: await attribute('data-rendition') };
  }
  return { ...report, ...said };
}

/** Publishes from a page of its own, until the context ends. */
async function publish(context, base, job) {
  const page = await context.newPage();
  await page.goto(`${base}camera`);
  await page.evaluate(([url, key]) => window.publish(url, key), [job.publish, job.key]);
}

/** One viewer from beginning to end. go: its tab waits for that, and opened is called as soon as it does. */
async function play(browser, base, job, opened, go) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 600 }, ignoreHTTPSErrors: true });
  const consoleErrors = [];
  try {
    if (job.publish) await publish(context, base, job);
    const page = await context.newPage();
    page.on('pageerror', (e) => consoleErrors.push(e.message));
    page.on('console', (m) => { if (m.type() === 'error') consoleErrors.push(`${m.text()} ${m.location().url}`); });
    await page.addInitScript({ path: join(here, 'observe.js') });
    if (job.ownHLS) await page.addInitScript(() => { for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name]; });
    if (!job.watch) await page.addInitScript((wanted) => { window.wanted = wanted; }, [job.player ?? 'hls', { height: job.height ?? 0, codec: job.codec, config: job.config }, job.url]);
    if (go) {
      opened();
      await go;
    }
    await open(page, base, job);
    if (!go) opened?.();
    return { url: job.watch ?? job.url, ...(await look(page, job)), console: consoleErrors.slice(0, 50) };
  } finally {
    await context.close();
  }
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function serveRequests(browser, base) {
  const running = new Set();
  const tabs = new Map();
  for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    if (job.go) {
      tabs.get(job.id)?.();
      continue;
    }
    const go = job.tab ? new Promise((done) => { tabs.set(job.id, done); }) : null;
    const work = play(browser, base, job, () => say({ id: job.id, event: 'open' }), go)
      .then((report) => say({ id: job.id, event: 'report', ...report }), (err) => say({ id: job.id, event: 'report', failed: String(err) }))
      .finally(() => running.delete(work));
    running.add(work);
  }
  await Promise.all(running);
}

async function main() {
  const pages = await servePages();
  const browser = await chromium.launch({ executablePath: options.chrome, args: FLAGS });
  try {
    if (options.stdin) {
      await serveRequests(browser, pages.base);
      return;
    }
    const job = {
      url: positionals[0], watch: options.watch, publish: options.publish, key: options.key, player: options.player, height: Number(options.height), ownHLS: options['own-hls'], codec: options.codec,
      seconds: options.seconds && Number(options.seconds), frames: Number(options.frames), warmup: Number(options.warmup), config: options.config && JSON.parse(options.config),
    };
    if (!job.url && !job.watch) throw new Error('an address to play is needed');
    const report = await play(browser, pages.base, job);
    console.log(JSON.stringify(report));
    process.exitCode = report.first_frame === null ? 1 : 0;
  } finally {
    await browser.close();
    pages.close();
  }
}

await main();
