import { useCallback, useEffect, useState } from 'react';
import { words } from '../api/problem';

/** What was asked for: undefined until it is there. */
export interface Asked<T> {
  value: T | undefined;
  /** The newest that is there, which may answer an earlier question. */
  last: T | undefined;
  /** Why it is not there; "" when nothing is wrong. */
  failed: string;
  /** Asks once more; what is there stays until the answer. */
  again: () => void;
  /** Puts what is known already. */
  put: (value: T) => void;
}

/** Asks when the component appears, and when `about` changes. */
export function useAsked<T>(ask: () => Promise<T>, about = ''): Asked<T> {
  const [got, setGot] = useState<{ about: string; value: T | undefined; failed: string }>({ about, value: undefined, failed: '' });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let gone = false;
    ask().then(
      (value) => { if (!gone) setGot({ about, value, failed: '' }); },
      (err: unknown) => { if (!gone) setGot((old) => ({ about, value: old.about === about ? old.value : undefined, failed: words(err) })); },
    );
    return () => { gone = true; };
    // oxlint-disable-next-line react/exhaustive-deps, react/exhaustive-effect-dependencies -- the question is what `about` says
  }, [about, turn]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const put = useCallback((value: T) => setGot({ about, value, failed: '' }), [about]);
  const current = got.about === about;
  return { value: current ? got.value : undefined, last: got.value, failed: current ? got.failed : '', again, put };
}

/** Asks again and again while the page can be seen. What is there stays while the server is away. */
export function usePolled<T>(ask: () => Promise<T>, everyMs: number, about = ''): Asked<T> {
  const asked = useAsked(ask, about);
  const { again } = asked;
  useEffect(() => {
    const t = window.setInterval(() => {
      if (!document.hidden) again();
    }, everyMs);
    return () => window.clearInterval(t);
  }, [again, everyMs]);
  return asked;
}
