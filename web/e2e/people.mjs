// What a person does with an account, from the first page to the last, and what an admin does.
import { hook } from './hook.mjs';
import { code } from './weir.mjs';

const FIRST = 'three green lorries at dawn';
const CHANGED = 'five rusty anchors by noon';
const SECOND = 'seven quiet otters by noon';

const fill = (look, label, value) => look.page.getByLabel(label, { exact: true }).fill(value);
const press = (look, name) => look.page.getByRole('button', { name, exact: true }).click();
const heading = (look, name) => look.page.getByRole('heading', { name, exact: true }).waitFor();
const path = (look) => new URL(look.page.url()).pathname;

/** Registers, proves the address, signs in with a code, and loses the password. */
export async function person(look, weir) {
  await signUp(look, weir);
  await profile(look);
  await data(look);
  await account(look, weir);
  await elsewhere(look);
  const { secret, codes } = await secondFactor(look);
  await tokens(look);
  await follow(look);
  await signOut(look);
  await signIn(look, secret);
  await tabs(look);
  await reset(look, weir, codes);
  await factorOff(look, codes);
  await lost(look);
}

async function signUp(look, weir) {
  await look.open('/sign-up');
  await heading(look, 'Make an account');
  await look.check('sign-up');
  await fill(look, 'Username', 'A!');
  await fill(look, 'E-mail address', 'nowhere');
  await fill(look, 'Password', 'abc');
  await press(look, 'Sign up');
  await look.page.locator('.field-wrong').nth(2).waitFor();
  look.expect((await look.page.evaluate(() => document.activeElement?.getAttribute('name'))) === 'username', 'the first wrong field has no focus');
  await look.check('sign-up-wrong', true);
  await fill(look, 'Username', 'ada');
  await fill(look, 'E-mail address', 'ada@example.org');
  await fill(look, 'Password', FIRST);
  await press(look, 'Sign up');
  await heading(look, 'Welcome, ada');
  await look.check('welcome');
  await look.open(await weir.link('verify-email'));
  await heading(look, 'Your address is verified');
  look.expect(!look.page.url().includes('token'), 'the secret of the link stays in the address');
  await look.check('verified');
}

async function profile(look) {
  const picture = { name: 'me.png', mimeType: 'image/png', buffer: await look.page.screenshot() };
  await look.open('/settings');
  await fill(look, 'Name', 'Ada L.');
  await fill(look, 'About you', 'Looms, engines, and the odd poem.\nLive on Thursdays.');
  await press(look, 'Add a link');
  await fill(look, 'Title 1', 'Notes');
  await fill(look, 'Address 1', 'https://example.org/notes');
  await look.page.locator('input[type=file]').first().setInputFiles(picture);
  await look.page.locator('.picture img.avatar').waitFor();
  await look.page.locator('input[type=file]').last().setInputFiles(picture);
  await look.page.locator('img.banner').waitFor();
  await press(look, 'Save');
  await look.page.getByText('Saved', { exact: true }).waitFor();
  await look.check('settings-profile', true);
  await look.open('/u/ada');
  await heading(look, 'Ada L.');
  await look.check('profile-own', true);
}

async function data(look) {
  await look.open('/settings/account');
  await look.page.getByText('Verified', { exact: true }).waitFor();
  await press(look, 'Pack my data');
  await look.page.getByRole('button', { name: 'Download' }).waitFor({ timeout: 20_000 });
  const [file] = await Promise.all([look.page.waitForEvent('download'), press(look, 'Download')]);
  look.expect(file.suggestedFilename().endsWith('.zip'), `the data come as ${file.suggestedFilename()}`);
  await look.check('settings-account', true);
}

async function account(look, weir) {
  await look.open('/settings/account');
  const mail = look.page.locator('form').filter({ hasText: 'New address' });
  await mail.getByLabel('New address').fill('ada.l@example.org');
  await mail.getByLabel('Password', { exact: true }).fill('not this one');
  await mail.getByRole('button', { name: 'Change the address' }).click();
  await mail.locator('.field-wrong').waitFor();
  await mail.getByLabel('Password', { exact: true }).fill(FIRST);
  await mail.getByRole('button', { name: 'Change the address' }).click();
  await look.page.getByText('A link was made for the new address').waitFor();
  await look.check('settings-account-mail');
  await look.open(await weir.link('verify-email'));
  await heading(look, 'Your address is verified');
  await look.open('/settings/account');
  await look.page.getByText('ada.l@example.org', { exact: true }).waitFor();
  await fill(look, 'Present password', FIRST);
  await fill(look, 'New password', 'password1');
  await press(look, 'Change the password');
  await look.page.locator('.field-wrong').waitFor();
  await fill(look, 'New password', CHANGED);
  await press(look, 'Change the password');
  await look.page.getByText('Changed', { exact: true }).waitFor();
}

/** Has an account elsewhere sign in to this one, and takes that back. */
async function elsewhere(look) {
  await look.open('/settings/security');
  await press(look, 'Link Acme…');
  await look.page.locator('.panel').filter({ hasText: 'Sign in elsewhere' }).getByLabel('Password', { exact: true }).fill(CHANGED);
  await press(look, 'Go to Acme');
  await look.page.getByText('It is linked now.').waitFor();
  await look.page.getByText('ada@acme.example').waitFor();
  await look.check('settings-security-linked', true);
  await press(look, 'Unlink Acme');
  await press(look, 'Unlink it');
  await look.page.getByRole('button', { name: 'Link Acme…' }).waitFor();
}

async function secondFactor(look) {
  await look.open('/settings/security');
  await look.page.getByText('Here', { exact: true }).waitFor();
  await fill(look, 'Password', CHANGED);
  await press(look, 'Turn it on');
  await look.page.locator('svg.qr').waitFor();
  const secret = await look.page.locator('.secret code').textContent();
  await look.check('settings-security-enrol', true);
  await fill(look, 'Code that the app shows', code(secret, -1));
  await press(look, 'Confirm');
  await look.page.locator('.codes').waitFor();
  const codes = await look.page.locator('.codes code').allTextContents();
  look.expect(codes.length === 10, `${codes.length} recovery codes`);
  await look.check('settings-security-codes', true);
  await press(look, 'I have kept them');
  await look.page.getByText('On', { exact: true }).waitFor();
  return { secret, codes };
}

async function tokens(look) {
  await look.open('/settings/tokens');
  await fill(look, 'What it is for', 'backup script');
  await look.page.getByLabel('Read your account').check();
  await fill(look, 'Password', CHANGED);
  await look.check('settings-tokens', true);
  await press(look, 'Make the token');
  const token = await look.page.locator('.secret code').textContent();
  look.expect(token.length > 20, 'no token');
  await look.page.getByText('never used').waitFor();
  await look.check('settings-token-made', true);
  await press(look, 'End the token backup script');
  await look.page.getByText('None yet.').waitFor();
}

async function follow(look) {
  await look.open('/u/admin');
  await look.page.getByText('0 followers').waitFor();
  await press(look, 'Follow admin');
  await look.page.getByText('1 follower ').waitFor();
  await look.check('profile');
  await look.page.reload();
  await look.page.locator('.follow [aria-pressed=true]').waitFor();
}

async function signOut(look) {
  await look.page.getByRole('button', { name: /^Your account/ }).focus();
  await look.page.keyboard.press('Enter');
  await look.page.locator('.account-menu').waitFor();
  await look.check('account-menu');
  await look.page.keyboard.press('Escape');
  look.expect((await look.page.locator('.account-menu').count()) === 0, 'Escape does not close the menu');
  await look.page.keyboard.press('Enter');
  await press(look, 'Sign out');
  await look.page.getByRole('link', { name: 'Sign in' }).waitFor();
}

async function signIn(look, secret) {
  await look.open('/settings/security');
  await heading(look, 'Sign in');
  await look.check('sign-in');
  await look.open('/sign-in?step=code&return_to=/settings/security');
  await heading(look, 'One more step');
  await press(look, 'Begin again');
  await fill(look, 'E-mail address or username', 'ada');
  await fill(look, 'Password', 'not this one');
  await press(look, 'Sign in');
  await look.page.locator('.form-failed').waitFor();
  await fill(look, 'Password', CHANGED);
  await press(look, 'Sign in');
  await heading(look, 'One more step');
  await look.check('sign-in-code');
  await fill(look, 'Code of the app', '000000');
  await press(look, 'Sign in');
  await look.page.locator('.form-failed').waitFor();
  await fill(look, 'Code of the app', code(secret));
  await press(look, 'Sign in');
  await heading(look, 'Settings');
  look.expect(path(look) === '/settings/security', `signing in leads to ${path(look)}`);
}

/** The other tabs are signed in too, and out. */
async function tabs(look) {
  const other = await look.page.context().newPage();
  await other.goto(`${look.base}/settings`);
  await other.getByLabel('Name', { exact: true }).waitFor();
  look.expect((await other.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]))).length < 80, 'something is kept where scripts can read it');
  await Promise.all([look.page.reload(), other.reload()]);
  await Promise.all([look.page, other].map((p) => p.getByRole('button', { name: /^Your account/ }).waitFor()));
  await look.page.bringToFront();
  await signOut(look);
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  await other.close();
}

async function reset(look, weir, codes) {
  await look.open('/forgot-password');
  await fill(look, 'E-mail address', 'ada.l@example.org');
  await look.check('forgot');
  await press(look, 'Ask for a link');
  await heading(look, 'You asked for a link');
  await look.open(await weir.link('reset-password'));
  await heading(look, 'Choose a new password');
  look.expect(!look.page.url().includes('token'), 'the secret of the link stays in the address');
  await look.check('reset');
  await fill(look, 'New password', SECOND);
  await press(look, 'Change the password');
  await look.page.getByText('Sign in with the new one').waitFor();
  await look.page.locator('.entry-card').getByRole('link', { name: 'Sign in' }).click();
  await fill(look, 'E-mail address or username', 'ada');
  await fill(look, 'Password', SECOND);
  await press(look, 'Sign in');
  await press(look, 'Use a recovery code');
  await fill(look, 'Recovery code', codes[0]);
  await press(look, 'Sign in');
  await look.page.getByRole('button', { name: /^Your account/ }).waitFor();
}

async function factorOff(look, codes) {
  await look.open('/settings/security');
  await press(look, 'Turn it off…');
  await fill(look, 'Password', SECOND);
  await fill(look, 'Code of the app, or a recovery code', codes[0]);
  await press(look, 'Turn it off');
  await look.page.locator('.form-failed, .field-wrong').first().waitFor(); // it was used before
  await fill(look, 'Code of the app, or a recovery code', codes[1]);
  await press(look, 'Turn it off');
  await look.page.getByRole('button', { name: 'Turn it on' }).waitFor();
}

/** Addresses that are nobody's, or not for everybody. */
async function lost(look) {
  await look.open('/admin/users');
  await heading(look, 'This page is for administrators');
  await look.open('/u/nobody-at-all');
  await heading(look, 'Nobody here has this name');
  await look.check('profile-nobody');
}

/** The person signs in once more, and deletes the account. */
export async function leaver(look) {
  await look.open('/sign-in?return_to=/settings/account');
  await fill(look, 'E-mail address or username', 'ada');
  await fill(look, 'Password', SECOND);
  await press(look, 'Sign in');
  await press(look, 'Delete my account…');
  const form = look.page.locator('.panel-danger');
  await form.getByLabel('Password', { exact: true }).fill('not this one');
  await press(look, 'Delete ada for ever');
  await form.locator('.field-wrong').waitFor();
  await look.check('settings-delete');
  await form.getByLabel('Password', { exact: true }).fill(SECOND);
  await press(look, 'Delete ada for ever');
  await look.page.getByRole('link', { name: 'Sign in' }).waitFor();
  look.expect(path(look) === '/', `the end of the account leads to ${path(look)}`);
  await look.open('/u/ada');
  await heading(look, 'Nobody here has this name');
}

/** Finds the person and suspends them, and has a program told of everybody. */
export async function admin(look, weir) {
  await look.open('/admin/users');
  await heading(look, 'Sign in');
  await fill(look, 'E-mail address or username', 'admin');
  await fill(look, 'Password', weir.password);
  await press(look, 'Sign in');
  await look.page.getByLabel('Username or e-mail address begins with').fill('ada');
  await look.page.getByText('You', { exact: true }).waitFor({ state: 'detached' });
  await press(look, 'Manage ada');
  await fill(look, 'Why (the user reads it)', 'spam');
  // Another search does not close what is open in a row that it finds too.
  const searched = look.page.waitForResponse((r) => /\/api\/v1\/users\?.*q=ad(&|$)/.test(r.url()));
  await look.page.getByLabel('Username or e-mail address begins with').fill('ad');
  await searched;
  await look.page.getByText('You', { exact: true }).waitFor(); // "admin" begins so too
  await look.check('users', true);
  await press(look, 'Suspend ada');
  await look.page.getByText('Suspended', { exact: true }).waitFor();
  await press(look, 'Lift the suspension');
  await look.page.getByRole('button', { name: 'Suspend ada' }).waitFor();
  await look.page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await hook(look, 'user.*', 'all-webhooks');
}
