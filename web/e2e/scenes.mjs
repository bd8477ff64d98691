// What is looked at, in order.

const moving = () => {
  const v = document.querySelector('.player video');
  return v !== null && v.readyState > 2 && !v.paused && v.currentTime > 0;
};

/** Against the stand-in: every state of both pages. */
export async function made(look, fake, { phone, dash: withDash }, seconds) {
  await home(look, fake);
  await comesUp(look, fake);
  await settings(look);
  if (!phone) await keyboard(look);
  if (phone) await touch(look);
  await look.page.waitForTimeout(seconds * 1000);
  look.expect((await look.attribute('data-state')) === 'playing', 'it does not go on playing');
  await goesDown(look, fake);
  if (withDash && !phone) await dash(look, fake);
  if (withDash) await noWebRTC(look);
  await lost(look);
}

/** Against a running weir: what is live there. */
export async function real(look, { phone }, seconds) {
  await look.open('/');
  await look.page.waitForSelector('.card, .nobody');
  await look.until('the thumbnails', () => [...document.querySelectorAll('.card')].every((c) => c.querySelector('.thumb img') || c.textContent.includes('Audio only')));
  await look.check('home');
  const watch = await look.page.locator('.card a').first().getAttribute('href', { timeout: 2_000 }).catch(() => null);
  if (watch === null) {
    look.problem('nothing is live, so nothing was played');
  } else {
    await look.open(watch);
    await look.state('playing');
    await look.page.waitForTimeout(seconds * 1000);
    await look.check('watch-playing');
    await settings(look);
    if (!phone) await keyboard(look);
    await look.open(`${watch}?engine=dash`);
    await look.state('playing');
    await look.check('watch-dash');
  }
  await look.open('/watch/nobody-has-this-name');
  await look.state('offline');
  await look.check('watch-offline');
  await lost(look);
}

async function home(look, fake) {
  await look.open('/');
  await look.page.waitForSelector('.nobody');
  await look.check('home-empty');
  for (const name of ['demo', 'studio-two', 'a-rather-long-name-of-a-stream-that-someone-chose', 'late_night']) fake.begin(name);
  await look.page.waitForSelector('.card', { timeout: 10_000 });
  await look.until('the thumbnails', () => document.querySelectorAll('.thumb img').length === 4);
  await look.check('home');
  fake.live.delete('late_night');
  fake.live.delete('studio-two');
  await look.until('two cards', () => document.querySelectorAll('.card').length === 2);
  await look.page.locator('.publish summary').click();
  await look.check('home-few');
  fake.live.clear();
}

/** The page is open before the stream begins, and starts by itself. */
async function comesUp(look, fake) {
  fake.begin('studio-two');
  await look.open('/watch/demo');
  await look.state('offline');
  await look.page.getByRole('link', { name: 'Ada L.' }).waitFor();
  await look.check('watch-offline');
  const t0 = Date.now();
  fake.begin('demo');
  await look.state('playing', 5_000);
  await look.until('a moving picture', moving);
  console.log(`${look.view}: from live to a picture in ${Date.now() - t0} ms`);
  await look.until('the latency', () => Number(document.querySelector('.player')?.dataset.latency) > 0);
  await look.until('the rendition', () => ['source', '360p'].includes(document.querySelector('.player')?.dataset.rendition ?? ''));
  await look.until('the rest of the list', () => document.querySelector('.facts') !== null, 12_000);
  await look.page.mouse.move(200, 200, { steps: 3 });
  await look.check('watch-playing');
  look.expect((await look.page.title()).includes('live'), 'the title does not say live');
}

async function settings(look) {
  const player = look.page.locator('.player');
  await player.locator('video').dispatchEvent('pointerup', { pointerType: 'touch', button: 0, bubbles: true });
  const button = look.page.getByRole('button', { name: 'Settings' });
  await button.focus();
  await look.page.keyboard.press('Enter');
  await look.page.waitForSelector('.menu');
  await look.check('watch-settings');
  const radios = look.page.locator('.menu fieldset').first().locator('input');
  if ((await radios.count()) > 2) {
    const lowest = radios.last();
    await lowest.check();
    const label = await look.page.locator('.menu fieldset').first().locator('label').last().locator('span').first().textContent();
    await look.page.waitForSelector(`.player[data-rendition="${label}"]`, { timeout: 15_000 }).catch(() => look.problem(`the quality did not become ${label}`));
    await radios.first().check();
  }
  await look.page.keyboard.press('Escape');
  look.expect((await look.page.locator('.menu').count()) === 0, 'Escape does not close the settings');
  await look.page.evaluate(() => document.activeElement?.blur());
}

async function keyboard(look) {
  const media = (f) => look.page.locator('.player video').evaluate(f);
  await look.page.keyboard.press('m');
  look.expect((await media((v) => v.muted)) === false, 'm does not unmute');
  await look.page.keyboard.press('ArrowDown');
  look.expect(Math.abs((await media((v) => v.volume)) - 0.95) < 0.01, 'the arrow does not lower the volume');
  await look.page.keyboard.press('k');
  look.expect(await media((v) => v.paused), 'k does not pause');
  await look.page.waitForSelector('.edge-button[data-behind="true"]');
  await look.check('watch-paused');
  await look.page.keyboard.press('l');
  look.expect(!(await media((v) => v.paused)), 'l does not go on');
  await look.page.keyboard.press('?');
  await look.page.waitForSelector('dialog[open]');
  await look.check('watch-help');
  await look.page.keyboard.press('Escape');
  await look.page.keyboard.press('f');
  await look.until('full screen', () => document.fullscreenElement !== null);
  await look.page.keyboard.press('f');
  await look.until('the window again', () => document.fullscreenElement === null);
  await look.page.keyboard.press('m');
  await look.state('playing');
}

async function touch(look) {
  await look.page.getByRole('button', { name: 'Tap to unmute' }).tap();
  look.expect((await look.page.locator('.player video').evaluate((v) => v.muted)) === false, 'the tap does not unmute');
  await look.page.locator('.player[data-awake="false"]').waitFor({ timeout: 8_000 });
  await look.page.locator('.player video').tap({ position: { x: 100, y: 60 } });
  await look.page.locator('.player[data-awake="true"]').waitFor({ timeout: 2_000 });
  look.expect(!(await look.page.locator('.player video').evaluate((v) => v.paused)), 'a tap on the picture pauses');
}

/** The stream ends, and begins again. */
async function goesDown(look, fake) {
  fake.end('demo');
  await look.state('ended', 30_000);
  await look.check('watch-ended');
  fake.begin('demo');
  await look.state('playing', 8_000);
}

async function dash(look, fake) {
  fake.live.set('demo', Date.now() - 20_000);
  await look.open('/watch/demo?engine=dash');
  await look.state('playing');
  await look.until('a moving picture by DASH', moving);
  await look.page.waitForTimeout(1500);
  await look.page.mouse.move(220, 220, { steps: 3 });
  await look.check('watch-dash');
}

/** Asked for in real time where that cannot be: it plays all the same, and says so. */
async function noWebRTC(look) {
  look.allowed.push(/status of 501 .*\/whep/);
  await look.open('/watch/demo?engine=whep');
  await look.page.getByText('WebRTC is not possible here').waitFor();
  await look.page.locator('.player[data-engine="hls"][data-state="playing"]').waitFor({ timeout: 20_000 });
  await look.check('watch-no-webrtc');
  await look.page.getByRole('button', { name: 'Close' }).click();
  await look.page.locator('.fallback p').waitFor({ state: 'detached', timeout: 2_000 });
}

async function lost(look) {
  await look.open('/watch/Not-A-Name');
  await look.page.waitForSelector('.lost');
  await look.check('lost');
}
