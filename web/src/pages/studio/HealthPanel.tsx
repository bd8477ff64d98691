import { sentence } from '../../api/problem';
import { Section } from '../../ui/Section';
import { measures, type Heard } from './health';

/** Before that a stream is too young to be called well. */
const YOUNG_S = 3;

/** How the stream arrives at the moment, and what is wrong with it. */
export function HealthPanel({ heard: { health, lost } }: { heard: Heard }) {
  const warnings = health?.warnings ?? [];
  return (
    <Section title="Health">
      {health === null && <p className="quiet" role="status">{lost ? 'Nothing is told at the moment. Trying again.' : 'Measuring…'}</p>}
      {health !== null && lost && <p className="quiet" role="status">What you see may be old: trying again.</p>}
      {health !== null && warnings.length === 0 && <p className="fact"><span className="badge badge-good">{health.seconds < YOUNG_S ? 'Measuring' : 'Good'}</span></p>}
      <ul className="warnings" aria-label="Warnings" aria-live="polite">
        {warnings.map((w) => (
          <li key={w.code}>
            <strong>{sentence(w.words)}</strong>
            <span className="quiet">{sentence(w.advice)}</span>
          </li>
        ))}
      </ul>
      {health !== null && (
        <dl className="measures">
          {measures(health).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
        </dl>
      )}
    </Section>
  );
}
