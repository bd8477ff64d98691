// What somebody who goes live does: a channel, a key, a stream, its end, and who helps.

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
  await keys(look, weir, key);
  await details(look);
  await people(look);
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
  await look.check('studio-live', true);
  await press(look, 'End the stream…');
  await fill(look, 'What the encoder is told', 'that is all');
  await press(look, 'End it now');
  await ffmpeg.ended;
  await says(look, 'Off the air');
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

async function history(look) {
  await look.page.getByRole('link', { name: 'History', exact: true }).click();
  await look.page.getByText('Ended: That is all.').waitFor();
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
