import type { Asked } from './asked';

/** What is said in place of what has not come. */
export function State({ of }: { of: Omit<Asked<unknown>, 'put'> }) {
  if (of.failed !== '') return <p className="notice" role="alert">{of.failed} <button type="button" className="textlink" onClick={of.again}>Try again</button></p>;
  return of.value === undefined ? <p className="quiet" role="status">One moment…</p> : null;
}
