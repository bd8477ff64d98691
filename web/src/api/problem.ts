import type { components } from './schema';

type Problem = components['schemas']['Problem'];

/** Why the server did not do what was asked: RFC 9457, with the words for each field. */
export class Refusal extends Error {
  readonly status: number;
  /** One word for programs, such as "invalid" or "limited"; "" when the answer has none. */
  readonly code: string;
  /** By field, without "body.": { email: "is taken" }. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown) {
    const problem = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
    super(sentence(problem.detail ?? '') || `The server answered ${status}${problem.title ? `, ${problem.title}` : ''}.`);
    this.status = status;
    this.code = problem.code ?? '';
    this.fields = Object.fromEntries((problem.errors ?? []).map((e) => [e.name.replace(/^body\./, ''), e.problem]));
  }
}

/** "the name is taken" -> "The name is taken." */
export function sentence(text: string): string {
  if (text === '') return '';
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** What to tell people of whatever went wrong. */
export function words(err: unknown): string {
  if (err instanceof Refusal) return err.message;
  return 'No answer from the server. Check your connection and try again.';
}
