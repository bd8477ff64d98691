import { useEffect, type ReactNode } from 'react';
import { Mark } from '../../ui/Mark';

/** The narrow page that one signs in and up on. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => { document.title = `${title} · weir`; }, [title]);
  return (
    <main id="main" className="page entry">
      <div className="entry-card">
        <Mark size={44} />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
