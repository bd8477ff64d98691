/** What an address answered. */
interface Answer {
  url: string;
  status: number;
  text: string;
}

/** An address that was asked for while the code that reads the answer was still on its way. */
interface Question {
  url: string;
  at: number;
  answer: Promise<Answer>;
  stop: AbortController;
}

let asked: Question | null = null;

async function read(url: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, { signal });
  return { url: response.url, status: response.status, text: await response.text() };
}

/** Asks for an address. Who reads the answer takes it, or asks in its own way when none came. */
export function askAhead(url: string): void {
  const stop = new AbortController();
  asked = { url, at: performance.now(), answer: read(url, stop.signal), stop };
  asked.answer.catch(() => {}); // who takes it hears of it
}

/** The question that was asked for an address, at most once; null when there is none. */
export function takeAnswer(url: string): Question | null {
  if (asked?.url !== url) return null;
  const taken = asked;
  asked = null;
  return taken;
}
