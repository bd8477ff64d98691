/** One event of a stream of them (server-sent events, the HTML standard's 9.2). */
export interface ServerEvent {
  type: string;
  data: string;
}

/** Reads a stream of events piece by piece, as they come over the network. Comments and ids are passed over. */
export class EventReader {
  private rest = '';

  /** The events that are whole with this piece. */
  read(piece: string): ServerEvent[] {
    const blocks = (this.rest + piece).split(/\r\n\r\n|\n\n|\r\r/);
    this.rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const lines = block.split(/\r\n|\n|\r/);
      const values = (field: string) => lines.filter((l) => l.startsWith(`${field}:`)).map((l) => l.slice(field.length + 1).replace(/^ /, ''));
      const data = values('data');
      return data.length === 0 ? [] : [{ type: values('event').at(-1) ?? 'message', data: data.join('\n') }];
    });
  }
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** `fetch`, or one that says who asks: EventSource can not. */
type Fetch = (request: Request) => Promise<Response>;

async function once(ask: Fetch, path: string, heard: (e: ServerEvent) => void, signal: AbortSignal): Promise<void> {
  const answer = await ask(new Request(path, { signal, headers: { accept: 'text/event-stream' } }));
  if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- the pieces come one after the other
    const { done, value } = await reader.read();
    if (done) return;
    events.read(value).forEach(heard);
  }
}

/** Hears the events of a path until the signal, and begins again when the stream ends or cannot be had. `lost` is told each time. */
export async function listen(ask: Fetch, path: string, heard: (e: ServerEvent) => void, lost: () => void, signal: AbortSignal): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    /* oxlint-disable no-await-in-loop -- one stream at a time */
    await once(ask, path, (e) => { pause = FIRST_PAUSE_MS; heard(e); }, signal).catch(() => null);
    if (signal.aborted) return;
    lost();
    await new Promise((done) => { window.setTimeout(done, pause); });
    /* oxlint-enable no-await-in-loop */
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
  }
}
