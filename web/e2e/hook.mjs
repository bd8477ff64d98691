// A webhook from its first day to its last, in a channel or for the whole installation.

const ADDRESS = 'https://hook.invalid/weir';

const fill = (look, label, value) => look.page.getByLabel(label, { exact: true }).fill(value);
const press = (look, name) => look.page.getByRole('button', { name, exact: true }).click();

/** On a page with webhooks: adds one for such events, tests it, turns it off and deletes it. */
export async function hook(look, events, label) {
  await fill(look, 'Address', 'nowhere');
  await press(look, 'Add it');
  await look.page.locator('.field-wrong, .form-failed').first().waitFor();
  await fill(look, 'Address', ADDRESS);
  await fill(look, 'Events', events);
  await press(look, 'Add it');
  const secret = await look.page.locator('.made code').textContent();
  look.expect(secret.startsWith('whsec_'), 'the secret is another kind');
  await press(look, 'Done');
  await press(look, 'Test');
  await press(look, 'Log');
  await look.page.getByText('webhook.ping.v1').waitFor();
  await look.check(label, true);
  await press(look, 'Turn off');
  await look.page.getByRole('button', { name: 'Turn on' }).waitFor();
  await press(look, `Delete ${ADDRESS}`);
  await press(look, 'Delete it');
  await look.page.getByText('None yet.', { exact: true }).waitFor();
}
