// One page in one size and scheme: what it says on the console, what axe finds, how it looks.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class Look {
  constructor(page, base, out, view) {
    Object.assign(this, { page, base, out, view, problems: [], allowed: [] });
    page.on('console', (m) => {
      if (m.type() !== 'error' && m.type() !== 'warning') return;
      const text = `${m.text()} ${m.location().url}`;
      if (!this.allowed.some((a) => a.test(text))) this.problem(`console ${m.type()}: ${text}`);
    });
    page.on('pageerror', (e) => this.problem(`page error: ${e.message}`));
  }

  problem(text) {
    this.problems.push(`${this.view} ${this.page.url().replace(this.base, '')}: ${text}`);
  }

  expect(holds, text) {
    if (!holds) this.problem(text);
  }

  open(path) {
    return this.page.goto(this.base + path);
  }

  /** Waits until the player says this state. */
  async state(want, timeout = 20_000) {
    const player = this.page.locator('.player');
    try {
      await this.page.waitForSelector(`.player[data-state="${want}"]`, { timeout });
    } catch {
      throw new Error(`the player is ${await player.getAttribute('data-state')} and not ${want} after ${timeout} ms`);
    }
  }

  attribute(name) {
    return this.page.locator('.player').getAttribute(name);
  }

  /** Waits for a condition in the page. */
  async until(text, condition, timeout = 10_000) {
    await this.page.waitForFunction(condition, undefined, { timeout }).catch(() => this.problem(`waited ${timeout} ms for: ${text}`));
  }

  /** A screenshot of the window, or of the whole page, and axe over the whole page. */
  async check(label, fullPage = false) {
    await this.page.waitForTimeout(300); // fades
    await this.page.screenshot({ path: join(this.out, `${label}-${this.view}.png`), fullPage });
    await this.page.evaluate(axe);
    const found = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    for (const v of found.violations) {
      for (const n of v.nodes) this.problem(`${label}: axe ${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.replaceAll('\n', ' ')}`);
    }
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    this.expect(wide <= 0, `${label}: the page is ${wide} px wider than the window`);
  }
}
