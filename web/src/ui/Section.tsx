import { useId, type ReactNode } from 'react';

/** One matter of the settings. */
export function Section({ title, about, danger = false, children }: { title: string; about?: ReactNode; danger?: boolean; children: ReactNode }) {
  const id = useId();
  return (
    <section className={danger ? 'panel panel-danger' : 'panel'} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {about !== undefined && <p className="quiet panel-about">{about}</p>}
      {children}
    </section>
  );
}
