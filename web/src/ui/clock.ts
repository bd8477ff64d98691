import { useEffect, useState } from 'react';

/** Now, in epoch milliseconds, moving every `everyMs` while the page can be seen. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const t = window.setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => window.clearInterval(t);
  }, [everyMs]);
  return now;
}
