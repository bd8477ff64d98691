// Looks at the pages in Chromium: at two sizes, dark and light, with streams, empty, offline, playing and
// ended. Takes screenshots, runs axe, and fails on any violation, console error or wrong state.
//
//   node e2e/ui.mjs [--base URL] [--out DIR] [--chrome PATH] [--seconds N]
//
// Without --base the pages of dist are served here with a made-up API and real media by ffmpeg. With
// --base a running weir is looked at: what is live there must play, and nothing is switched on or off.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { Fake } from './fake.mjs';
import { Look } from './look.mjs';
import { makeMedia } from './media.mjs';
import * as scenes from './scenes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    out: { type: 'string', default: join(here, 'out') },
    chrome: { type: 'string', default: '/usr/bin/chromium' },
    seconds: { type: 'string', default: '5' },
  },
});

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--mute-audio', '--ignore-certificate-errors',
];
const SIZES = [
  { label: '1440x900', viewport: { width: 1440, height: 900 } },
  { label: '360x740', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
];

const seconds = Number(options.seconds);

/** One size in one scheme, in a context of its own, and against a stand-in of its own. */
async function view(browser, media, colorScheme, { label, ...size }) {
  const fake = media && new Fake(join(here, '..', 'dist'), media);
  const base = fake ? await fake.listen() : options.base.replace(/\/+$/, '');
  const context = await browser.newContext({ ...size, colorScheme, ignoreHTTPSErrors: true });
  const look = new Look(await context.newPage(), base, options.out, `${label}-${colorScheme}`);
  if (!fake) look.allowed = [/status of 404 .*\/channels\/by-name\//]; // a name that is nobody's
  const what = { phone: size.isMobile === true, dash: colorScheme === 'dark' };
  try {
    await (fake ? scenes.made(look, fake, what, seconds) : scenes.real(look, what, seconds));
  } catch (err) {
    look.problem(String(err.message ?? err));
  }
  await context.close();
  await fake?.close();
  return look.problems;
}

async function main() {
  await mkdir(options.out, { recursive: true });
  const media = options.base ? null : await makeMedia();
  const browser = await chromium.launch({ executablePath: options.chrome, args: FLAGS });
  const problems = [];
  try {
    for (const scheme of ['dark', 'light']) {
      const both = await Promise.all(SIZES.map((size) => view(browser, media, scheme, size)));
      problems.push(...both.flat());
    }
  } finally {
    await browser.close();
    await media?.remove();
  }
  for (const p of problems) console.error(p);
  console.log(problems.length === 0 ? `all looked at, nothing wrong; screenshots in ${options.out}` : `${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
