// What somebody who goes live does: a channel, a key, a stream, its end, and who helps.
import { hook } from './hook.mjs';

const PASSWORD = 'nine slow ferries at noon';

const field = (look, label) => look.page.getByLabel(label, { exact: true });
const fill = (look, label, value) => field(look, label).fill(value);
const press = (look, name) => look.page.getByRole('button', { name, exact: true }).click();
const heading = (look, name) => look.page.getByRole('heading', { name, exact: true }).waitFor();
const says = (look, words) => look.page.getByText(words, { exact: true }).waitFor();

/** Makes a channel, publishes to it with ffmpeg, ends it, and looks at what is told of it. */
export async function broadcaster(look, weir) {
  await signUp(look);
  await makeChannel(look);
  const key = await makeKey(look);
  await stream(look, weir, key);
  await replay(look);
  await keys(look, weir, key);
  await passphrase(look);
  await camera(look);
  await details(look);
  await people(look);
  await guests(look, weir);
  await restream(look);
  await webhooks(look);
  await history(look);
  await ends(look);
}

async function signUp(look) {
  await look.open('/sign-up');
  await fill(look, 'Username', 'cleo');
  await fill(look, 'E-mail address', 'cleo@example.org');
  await fill(look, 'Password', PASSWORD);
  await press(look, 'Sign up');
  await heading(look, 'Welcome, cleo');
}

async function makeChannel(look) {
  await look.page.getByRole('link', { name: 'Go live', exact: true }).click();
  await heading(look, 'Make your first channel');
  await look.check('studio-empty', true);
  await fill(look, 'Name', 'No!');
  await press(look, 'Make the channel');
  await look.page.locator('.field-wrong').waitFor();
  await fill(look, 'Name', 'barge');
  await fill(look, 'Title', 'The barge, live');
  await press(look, 'Make the channel');
  await heading(look, 'The barge, live');
}

async function makeKey(look) {
  await says(look, 'None yet: make one for your encoder.');
  await says(look, 'Off the air');
  await fill(look, 'What it is for', 'OBS');
  await field(look, 'How long it lasts').selectOption('30');
  await press(look, 'Make a key');
  const key = await look.page.locator('.made code').textContent();
  look.expect(/^[\w-]{20,64}$/.test(key), `the key is ${key}`);
  await look.check('studio-key', true);
  await press(look, 'Done');
  await look.page.getByText('never used').waitFor();
  return key;
}

async function stream(look, weir, key) {
  const ffmpeg = weir.publish(key);
  await look.page.locator('.panel .badge-live').waitFor({ timeout: 20_000 });
  await press(look, 'Look at what viewers see');
  await look.state('playing');
  await look.page.locator('.measures').getByText('H.264, 640×360').waitFor({ timeout: 20_000 });
  await look.page.getByText('Loudness').waitFor({ timeout: 20_000 });
  await look.check('studio-live', true);
  await look.until('six seconds of it', () => document.querySelector('.player video').currentTime > 6, 20_000);
  await realTime(look);
  await press(look, 'End the stream…');
  await fill(look, 'What the encoder is told', 'that is all');
  await press(look, 'End it now');
  await ffmpeg.ended;
  await says(look, 'Off the air');
}

/** The preview goes over to WebRTC and back. */
async function realTime(look) {
  const settings = async () => {
    await look.page.getByRole('button', { name: /^Settings/ }).focus(); // shows the controls
    await look.page.keyboard.press('Enter');
  };
  await settings();
  await look.page.getByLabel(/^WebRTC/).click();
  await look.page.locator('.player[data-engine="whep"][data-state="playing"]').waitFor({ timeout: 20_000 });
  await look.until('two seconds in real time', () => document.querySelector('.player video').currentTime > 2);
  look.expect(await look.page.locator('.player video').evaluate((v) => v.videoWidth > 0 && v.srcObject !== null), 'there is no picture in real time');
  await settings();
  look.expect((await look.page.locator('.menu legend').allTextContents()).join() === 'Player', 'there is a choice of quality by WebRTC');
  await look.page.getByText('real time', { exact: true }).last().waitFor();
  await look.check('studio-real-time');
  await look.page.getByLabel('LL-HLS').click();
  await look.page.locator('.player[data-engine="hls"][data-state="playing"]').waitFor({ timeout: 20_000 });
}

/** The recording is played, a piece cut out of it and played too, and both are looked after. */
async function replay(look) {
  await look.page.getByRole('link', { name: 'Recordings', exact: true }).click();
  await look.page.getByRole('link', { name: 'Download The barge, live' }).waitFor({ timeout: 20_000 });
  await look.until('the picture of it', () => document.querySelector('.recording .thumb img')?.naturalWidth > 0, 20_000);
  await look.check('studio-recordings', true);
  await look.page.locator('.recording strong a').click();
  await heading(look, 'The barge, live');
  await plays(look);
  await look.page.getByRole('slider', { name: 'Position' }).fill('3');
  await look.until('the place that was chosen', () => document.querySelector('.player video').currentTime >= 3);
  const box = await look.page.getByRole('slider', { name: 'Position' }).boundingBox();
  await look.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 3 });
  await look.page.locator('.still-time').waitFor();
  await look.check('replay');
  await press(look, 'Make a clip of it…');
  await fill(look, 'From', 'then');
  await press(look, 'Make the clip');
  await look.page.locator('.field-wrong').waitFor();
  await fill(look, 'From', '0:01');
  await fill(look, 'Seconds', '2');
  await fill(look, 'Title', 'A short piece');
  await look.check('replay-cut', true);
  await press(look, 'Make the clip');
  await heading(look, 'A short piece');
  await plays(look);
  await look.open('/watch/barge');
  await look.page.getByRole('link', { name: /A short piece/ }).waitFor();
  await look.page.getByRole('heading', { name: 'Past streams' }).scrollIntoViewIfNeeded();
  await look.check('watch-past', true);
  await look.open('/studio/barge/recordings');
  await press(look, 'Change A short piece');
  await fill(look, 'Description', 'The lock opens.');
  await press(look, 'Save');
  await press(look, 'Delete A short piece');
  await press(look, 'Delete it for ever');
  await look.page.getByText('A short piece').waitFor({ state: 'detached', timeout: 20_000 });
  await look.page.getByRole('link', { name: 'Stream', exact: true }).click();
}

/** The recording on the page begins when it is asked to, and has its end. */
async function plays(look) {
  await look.page.getByRole('button', { name: 'Play', exact: true }).click();
  await look.state('playing');
  await look.until('a moving picture', () => document.querySelector('.player video').currentTime > 0.2);
  look.expect(Number.isFinite(await look.page.locator('.player video').evaluate((v) => v.duration)), 'the recording has no end');
}

/** A key that was replaced lets nobody in, and that is told. */
async function keys(look, weir, key) {
  await press(look, 'Replace the key OBS');
  look.expect((await look.page.evaluate(() => document.activeElement?.textContent)) === 'Replace it', 'the question has no focus');
  await look.check('studio-replace');
  await press(look, 'Cancel');
  look.expect((await look.page.evaluate(() => document.activeElement?.textContent)) === 'Replace', 'the button has no focus again');
  await look.page.keyboard.press('Enter');
  await press(look, 'Replace it');
  const next = await look.page.locator('.made code').textContent();
  look.expect(next !== key, 'the key is not another one');
  await press(look, 'Done');
  await weir.publish(key).ended;
  await press(look, 'Revoke the key OBS');
  await press(look, 'Revoke it');
  await says(look, 'None yet: make one for your encoder.');
}

/** The passphrase for SRT is set, and shown to nobody. */
async function passphrase(look) {
  await says(look, 'None: what this server asks of everybody counts.');
  await fill(look, 'Passphrase', 'with blanks in it');
  await press(look, 'Set it');
  await look.page.locator('.field-wrong').waitFor();
  await fill(look, 'Passphrase', 'quiet-canal-9');
  await press(look, 'Set it');
  await says(look, 'Set');
  look.expect(await field(look, 'Passphrase').inputValue() === '', 'the passphrase stays on the page');
  await press(look, 'Remove the passphrase');
  await press(look, 'Remove it');
  await says(look, 'None: what this server asks of everybody counts.');
}

/** A camera is shown, which cannot be reached. */
async function camera(look) {
  await fill(look, 'Address of the camera', 'https://camera.invalid/');
  await press(look, 'Show this camera');
  await look.page.locator('.field-wrong').waitFor();
  await fill(look, 'Address of the camera', 'rtsp://camera.invalid/stream1');
  await field(look, 'When it is fetched').selectOption('always');
  await fill(look, 'User of the camera', 'viewer');
  await fill(look, 'Password of the camera', 'theirs-alone');
  await press(look, 'Show this camera');
  await says(look, 'Waits to try again');
  await press(look, 'Change');
  look.expect(await field(look, 'Password of the camera').inputValue() === '', 'the password of the camera stays on the page');
  await look.check('studio-camera', true);
  await field(look, 'When it is fetched').selectOption('watched');
  await press(look, 'Change the camera');
  await look.page.getByText('fetched while somebody watches · with a password').waitFor();
  await press(look, 'Delete the camera');
  await press(look, 'Delete it');
  await look.page.getByRole('button', { name: 'Show this camera' }).waitFor();
}

/** What is changed here meets what somebody else changed meanwhile. */
async function details(look) {
  const other = await look.page.context().newPage();
  await other.goto(`${look.base}/studio/barge/channel`);
  await other.getByLabel('Category', { exact: true }).waitFor();
  await look.page.getByRole('link', { name: 'Channel', exact: true }).click();
  await fill(look, 'Description', 'Along the canal.\nEvery day.');
  await fill(look, 'Tags', 'boats water');
  await fill(look, 'Next stream', '2031-05-06T18:30');
  await fill(look, 'Mbit/s', '6');
  await press(look, 'Save');
  await says(look, 'Saved');
  await other.getByLabel('Category', { exact: true }).fill('Travel');
  await other.getByRole('button', { name: 'Save' }).click();
  await other.getByText('Somebody else changed this channel meanwhile, and nothing was saved.').waitFor();
  await other.getByRole('button', { name: 'Show what it is now' }).click();
  await other.waitForFunction(() => document.querySelector('[name="limits.bitrate"]').value === '6');
  await other.close();
  await look.page.reload();
  look.expect((await field(look, 'Mbit/s').inputValue()) === '6', 'the limit is lost');
  look.expect((await field(look, 'Next stream').inputValue()) === '2031-05-06T18:30', 'the planned time is lost');
  look.expect((await field(look, 'Category').inputValue()) === '', 'what was stale was saved');
  await fill(look, 'Tags', 'no/tag');
  await press(look, 'Save');
  await look.page.locator('.field-wrong').waitFor();
  await look.check('studio-channel', true);
  await fill(look, 'Tags', 'boats');
}

async function people(look) {
  await look.page.getByRole('link', { name: 'People', exact: true }).click();
  await fill(look, 'Username', 'nobody-at-all');
  await press(look, 'Give the role');
  await says(look, 'Is nobody’s here.');
  await fill(look, 'Username', 'admin');
  await field(look, 'Role').selectOption('manager');
  await press(look, 'Give the role');
  await look.page.getByText(/Manager since/).waitFor();
  await look.check('studio-people', true);
  await press(look, 'Remove admin');
  await look.page.getByRole('group', { name: 'Remove admin' }).getByRole('button', { name: 'Remove admin' }).click();
  await look.page.getByText(/Manager since/).waitFor({ state: 'detached' });
}

/** A channel that is not public has links and guests. */
async function guests(look, weir) {
  await look.page.getByRole('link', { name: 'Channel', exact: true }).click();
  await field(look, 'Who can watch').selectOption('private');
  await press(look, 'Save');
  await look.page.getByText('Must each be').waitFor({ state: 'detached' });
  await says(look, 'Saved');
  await look.page.getByRole('link', { name: 'Stream', exact: true }).click();
  const ffmpeg = weir.publish(await makeKey(look));
  await look.page.locator('.panel .facts').getByText(/^\d+ viewers?$/).waitFor({ timeout: 20_000 });
  await look.page.getByRole('link', { name: 'People', exact: true }).click();
  await fill(look, 'Who it is for', 'the press');
  await press(look, 'Make a link');
  const link = await look.page.locator('.made code').textContent();
  look.expect(link.startsWith(`${look.base}/watch/barge#`), `the link is ${link}`);
  await press(look, 'Done');
  await fill(look, 'Who', 'admin');
  await press(look, 'Invite');
  await look.page.locator('.rows').last().getByText('@admin').waitFor();
  await look.check('studio-guests', true);
  const { page: guest, asked, past } = await follows(look, link);
  await press(look, 'Revoke the link the press');
  await press(look, 'Revoke it');
  await says(look, 'None yet.');
  await turnedAway(look, guest, asked, past);
  await ffmpeg.stop();
  await press(look, 'Remove the guest admin');
  await press(look, 'Remove the guest');
  await says(look, 'Nobody yet.');
  await look.page.getByRole('link', { name: 'Recordings', exact: true }).click();
  await look.until('the picture of a private recording', () => document.querySelector('.recording .thumb img')?.naturalWidth > 0, 20_000);
  await look.page.locator('.recording strong a').last().click();
  await plays(look);
  await look.open('/studio/barge/people');
}

/** Somebody who is not signed in follows a link: what they see, and the media that their page asks for. */
async function follows(look, link) {
  const context = await look.page.context().browser().newContext();
  const page = await context.newPage();
  const asked = [];
  page.on('request', (r) => { if (r.url().includes('/live/')) asked.push(r.url()); });
  await page.goto(link);
  await page.locator('.player[data-state="playing"]').waitFor({ timeout: 20_000 });
  await page.getByRole('heading', { name: 'The barge, live', exact: true }).waitFor({ timeout: 20_000 });
  await page.locator('.about-state').getByText(/live for|started just now/).waitFor();
  await page.locator('.broadcaster-owner').getByRole('link', { name: 'cleo' }).waitFor();
  await page.getByText(/^This channel is not public, and you may watch it/).waitFor();
  await page.locator('.others:has(#past) .card a').first().click();
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.locator('.player[data-state="playing"]').waitFor({ timeout: 20_000 });
  const past = page.url();
  look.expect(/\/replay\/[^?]+\?of=barge#share=.+$/.test(past), `the past stream is at ${past}`);
  await page.getByRole('link', { name: 'barge', exact: true }).click();
  await page.locator('.player[data-state="playing"]').waitFor({ timeout: 20_000 });
  look.expect(page.url() === link, `the way back leads to ${page.url()}`);
  return { page, asked, past };
}

/** Whose link was revoked is told so, not that the stream is over, and asks no more. */
async function turnedAway(look, page, asked, past) {
  await page.getByText('This link does not open the stream', { exact: true }).waitFor({ timeout: 40_000 });
  look.expect(!/offline/i.test(await page.locator('.about-state').textContent()), 'a revoked link says that the stream is offline');
  const before = asked.length;
  await page.waitForTimeout(6_000);
  look.expect(asked.length === before, `a revoked link asks on: ${asked.slice(before)}`);
  await page.goto('about:blank');
  await page.goto(past);
  await page.getByText(/^This link does not hold/).waitFor();
  await page.context().close();
}

async function restream(look) {
  await look.page.getByRole('link', { name: 'Restream', exact: true }).click();
  await fill(look, 'Name', 'Big site');
  await fill(look, 'Address', 'https://big.invalid/app');
  await fill(look, 'Stream key there', 'theirs');
  await press(look, 'Add it');
  await look.page.locator('.field-wrong, .form-failed').first().waitFor();
  await fill(look, 'Address', 'rtmps://big.invalid/app');
  await press(look, 'Add it');
  await says(look, 'Ready');
  look.expect(await field(look, 'Stream key there').inputValue() === '', 'the key stays on the page');
  await press(look, 'Stop');
  await says(look, 'Off');
  await look.check('studio-restream', true);
  await press(look, 'Delete Big site');
  await press(look, 'Delete it');
  await says(look, 'None yet.');
}

async function webhooks(look) {
  await look.page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await hook(look, 'stream.*', 'studio-webhooks');
}

async function history(look) {
  await look.page.getByRole('link', { name: 'History', exact: true }).click();
  await look.page.getByText('Ended: That is all.').waitFor();
  await look.page.getByText('Ended: The encoder ended it.').waitFor();
  await look.page.getByText(/stream key was revoked/).waitFor();
  await look.check('studio-history', true);
}

async function ends(look) {
  await look.page.getByRole('link', { name: 'Channel', exact: true }).click();
  await press(look, 'Delete the channel…');
  await press(look, 'Delete barge for ever');
  await heading(look, 'Make your first channel');
  await look.open('/studio/barge');
  await heading(look, 'There is nothing here');
}
