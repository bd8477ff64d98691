import type { components } from '../api/schema';

/** The signed-in user, as the server tells it. */
export type Own = components['schemas']['Own'];

/** What a sign-in and a renewal answer. */
export type Tokens = components['schemas']['TokensView'];

/** An access token with its holder. It is kept in memory only; what renews it is in a cookie that no script can read. */
export interface Pass {
  token: string;
  /** When it ends, epoch milliseconds of this machine's clock. */
  until: number;
  user: Own;
}

/** What a session needs of the world; tests give their own. */
export interface World {
  now(): number;
  /** Asks for new tokens: null when the cookie does not hold any more. Throws when the server cannot say. */
  refresh(): Promise<Tokens | null>;
  /** Runs one at a time over all tabs. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Tells the other tabs. */
  tell(message: Message): void;
  /** Remembers, over reloads, whether somebody is signed in here. */
  remember(signedIn: boolean): void;
}

/** What tabs tell each other: a new pass, or that it is over. */
export type Message = { pass: Pass } | { over: true };

/** A token that ends so soon is not used any more. */
const SPARE_MS = 20_000;

/** Who is signed in in this browser. */
export class Session {
  private pass: Pass | null = null;
  private renewing: Promise<Pass | null> | null = null;
  private readonly world: World;
  private readonly changed: (user: Own | null) => void;

  /** `changed` hears of each new holder, and of changes of the holder's account. */
  constructor(world: World, changed: (user: Own | null) => void) {
    this.world = world;
    this.changed = changed;
  }

  /** A token that holds, renewed when it has to be; null when nobody is signed in. `stale` is one that was refused. */
  async token(stale = ''): Promise<string | null> {
    const pass = this.good(stale) ?? (await this.renew(stale));
    return pass?.token ?? null;
  }

  /** Begins with the answer of a sign-in. */
  begin(tokens: Tokens): void {
    this.world.remember(true);
    const pass = { token: tokens.access_token, until: this.world.now() + tokens.expires_in * 1000, user: tokens.user };
    this.take(pass);
    this.world.tell({ pass });
  }

  /** Is over, here and in the other tabs. */
  end(): void {
    this.over();
    this.world.tell({ over: true });
  }

  /** The account as it was just read, or changed. */
  know(user: Own): void {
    if (this.pass === null) return;
    this.take({ ...this.pass, user });
    this.world.tell({ pass: this.pass });
  }

  /** Hears what another tab tells. */
  hear(message: Message): void {
    if ('over' in message) this.over();
    else this.take(message.pass);
  }

  private good(stale: string): Pass | null {
    const { pass } = this;
    return pass !== null && pass.token !== stale && pass.until - SPARE_MS > this.world.now() ? pass : null;
  }

  /** Everybody in this tab waits for the same renewal, and all tabs for each other. */
  private renew(stale: string): Promise<Pass | null> {
    this.renewing ??= this.world.alone(() => this.ask(stale)).finally(() => { this.renewing = null; });
    return this.renewing;
  }

  private async ask(stale: string): Promise<Pass | null> {
    const meanwhile = this.good(stale); // from another tab, while this one waited
    if (meanwhile !== null) return meanwhile;
    const tokens = await this.world.refresh();
    if (tokens === null) {
      this.end();
      return null;
    }
    this.begin(tokens);
    return this.pass;
  }

  private take(pass: Pass): void {
    this.pass = pass;
    this.changed(pass.user);
  }

  private over(): void {
    this.pass = null;
    this.world.remember(false);
    this.changed(null);
  }
}
