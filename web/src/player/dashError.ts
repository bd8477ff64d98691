import type { Failure } from './engine';

/** The codes of dash.js for an MPD that could not be had: by its loader, and by the HTTP layer below. */
const MPD_CODES = [11, 25];
/** The codes for everything else that is fetched. */
const FETCH_CODES = [12, 15, 16, 17, 26, 27, 28, 29];

type Fields = Record<string, unknown>;
const fields = (v: unknown): Fields => (typeof v === 'object' && v !== null ? (v as Fields) : {});

/** What an error of dash.js means: { code, data: { response: { status } } }. */
export function failure(error: unknown, online: boolean): Failure {
  const { code, data } = fields(error);
  const status = Number(fields(fields(data)['response'])['status']);
  if (status === 401 || status === 403) return 'denied';
  if (MPD_CODES.includes(Number(code))) return online ? 'absent' : 'network';
  if (!FETCH_CODES.includes(Number(code))) return 'media';
  return status === 404 || status === 410 ? 'hole' : 'network';
}
