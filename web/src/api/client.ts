import createClient from 'openapi-fetch';
import { remember } from '../session/hint';
import { Session, type Message, type Tokens, type World } from '../session/session';
import { setWho } from '../session/who';
import { Refusal } from './problem';
import type { paths } from './schema';

const REFRESH = '/api/v1/auth/refresh';
const NAME = 'weir:session';

async function refresh(): Promise<Tokens | null> {
  const answer = await fetch(REFRESH, { method: 'POST', headers: { accept: 'application/json' } });
  if (answer.ok) return (await answer.json()) as Tokens;
  if (answer.status === 401 || answer.status === 403) return null;
  throw new Refusal(answer.status, await answer.json().catch(() => null));
}

const channel = new BroadcastChannel(NAME);

const world: World = {
  now: () => Date.now(),
  refresh,
  // Locks exist in secure contexts only. Without, two tabs may renew at once: the server gives both the same token.
  alone: (work) => ('locks' in navigator ? navigator.locks.request(NAME, work) : work()),
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
  tell: (message) => channel.postMessage(message),
  remember,
};

/** Who is signed in in this browser. */
export const session = new Session(world, setWho);
channel.addEventListener('message', (e: MessageEvent<Message>) => session.hear(e.data));

/** Sends a request with the token of who is signed in; once more with a new one when that was refused. */
export async function authorized(request: Request): Promise<Response> {
  const token = await session.token();
  if (token === null) return fetch(request);
  const again = request.clone();
  request.headers.set('authorization', `Bearer ${token}`);
  const answer = await fetch(request);
  if (answer.status !== 401) return answer;
  const renewed = await session.token(token);
  if (renewed === null) return answer;
  again.headers.set('authorization', `Bearer ${renewed}`);
  return fetch(again);
}

/** weir's API, as its own description has it, for everybody: without anybody's token. */
export const open = createClient<paths>();

/** The same for who is signed in. */
export const api = createClient<paths>({ fetch: authorized });

/** The answer of a call. Throws a Refusal, or what fetch throws. */
export async function done<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Refusal(response.status, error);
  return data as T;
}
