// Looks at the pages of accounts and of channels in Chromium, against a real weir of their own in each size and scheme.
// Takes screenshots, runs axe, and fails on any violation, console error or wrong state.
//
//   node e2e/accounts.mjs [--weir PROGRAM] [--out DIR] [--chrome PATH] [--view LABEL] [--scene NAME]
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { broadcaster } from './broadcaster.mjs';
import { Look } from './look.mjs';
import { admin, leaver, person } from './people.mjs';
import { Provider } from './provider.mjs';
import { Weir } from './weir.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    weir: { type: 'string', default: join(here, '../../bin/weir') },
    out: { type: 'string', default: join(here, 'out') },
    chrome: { type: 'string', default: '/usr/bin/chromium' },
    view: { type: 'string', default: '' },
    scene: { type: 'string', default: '' },
  },
});

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const VIEWS = [
  { label: '1440x900-dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { label: '360x740-light', colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  { label: '1440x900-light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { label: '360x740-dark', colorScheme: 'dark', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
];

/** In this order: the admin looks for the person, who then leaves. */
const SCENES = [person, admin, broadcaster, leaver].filter((s) => s.name.startsWith(options.scene));

/** Refusals that are looked for, and the answers to "do I follow?" and "is there an export?", are errors on the console; so are
    the pictures of a recording that has just ended. */
const ALLOWED = [/status of (401|422|404(?! .*\/camera\b)) .*\/api\/v1\//, /status of 404 .*\/vod\/(~[^/]+\/)?[^/]+\/(storyboard\.vtt|thumb\.jpg)/];

async function view(browser, { label, ...size }) {
  const provider = await Provider.start({ sub: 'ada-there', email: 'ada@acme.example', email_verified: true });
  const weir = await Weir.start(options.weir, provider.settings());
  const problems = [];
  for (const scene of SCENES) {
    const context = await browser.newContext(size);
    context.setDefaultTimeout(15_000);
    const look = new Look(await context.newPage(), weir.base, options.out, label);
    look.allowed = ALLOWED;
    try {
      await scene(look, weir);
    } catch (err) {
      look.problem(String(err.message ?? err));
      await look.page.screenshot({ path: join(options.out, `failed-${scene.name}-${label}.png`) }).catch(() => null);
    }
    problems.push(...look.problems);
    await context.close();
  }
  await weir.stop();
  await provider.close();
  return problems;
}

await mkdir(options.out, { recursive: true });
const browser = await chromium.launch({ executablePath: options.chrome, args: FLAGS });
const problems = [];
const chosen = VIEWS.filter((w) => w.label.startsWith(options.view));
try {
  // All at once: most of the time goes into waiting.
  problems.push(...(await Promise.all(chosen.map((v) => view(browser, v)))).flat());
} finally {
  await browser.close();
}
for (const p of problems) console.error(p);
console.log(problems.length === 0 ? `accounts: all looked at, nothing wrong; screenshots in ${options.out}` : `accounts: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
