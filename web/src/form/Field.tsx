import { useId, useState, type ComponentProps, type ReactNode } from 'react';
import { useWrong } from './Form';

interface Shared {
  name: string;
  label: string;
  /** What helps to fill it in. */
  hint?: ReactNode;
}

/** The label above, the words below, and what ties them to the control. */
function Around({ name, label, hint, id, children }: Shared & { id: string; children: ReactNode }) {
  const wrong = useWrong(name);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {wrong !== '' && <p className="field-wrong" id={`${id}-wrong`}>{wrong}</p>}
      {hint !== undefined && <p className="field-hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

function useTies(name: string, hint: ReactNode) {
  const id = useId();
  const wrong = useWrong(name) !== '';
  const described = [wrong ? `${id}-wrong` : '', hint === undefined ? '' : `${id}-hint`].filter(Boolean).join(' ');
  return { id, name, 'aria-invalid': wrong, ...(described === '' ? {} : { 'aria-describedby': described }) };
}

/** One line of text. */
export function Field({ label, hint, name, ...input }: Shared & Omit<ComponentProps<'input'>, 'name' | 'id'>) {
  const ties = useTies(name, hint);
  return <Around id={ties.id} name={name} label={label} hint={hint}><input className="input" {...input} {...ties} /></Around>;
}

/** A password, which can be looked at. */
export function Password({ label, hint, name, ...input }: Shared & Omit<ComponentProps<'input'>, 'name' | 'id' | 'type'>) {
  const ties = useTies(name, hint);
  const [seen, setSeen] = useState(false);
  return (
    <Around id={ties.id} name={name} label={label} hint={hint}>
      <span className="input-with">
        <input className="input" {...input} {...ties} type={seen ? 'text' : 'password'} spellCheck={false} autoCapitalize="none" />
        <button type="button" className="input-button" aria-pressed={seen} aria-label={`Show: ${label}`} onClick={() => setSeen(!seen)}>{seen ? 'Hide' : 'Show'}</button>
      </span>
    </Around>
  );
}

/** Several lines of text, with how many characters are left. */
export function Text({ label, hint, name, max, ...area }: Shared & { max: number } & Omit<ComponentProps<'textarea'>, 'name' | 'id'>) {
  const [length, setLength] = useState(String(area.defaultValue ?? '').length);
  const left = `${length} of ${max} characters`;
  const ties = useTies(name, left);
  return (
    <Around id={ties.id} name={name} label={label} hint={<>{hint} {left}</>}>
      <textarea className="input" rows={4} maxLength={max} {...area} {...ties} onChange={(e) => setLength(e.target.value.length)} />
    </Around>
  );
}

/** One of a list. */
export function Choice({ label, hint, name, options, ...select }: Shared & { options: readonly (readonly [value: string, label: string])[] } & Omit<ComponentProps<'select'>, 'name' | 'id'>) {
  const ties = useTies(name, hint);
  return (
    <Around id={ties.id} name={name} label={label} hint={hint}>
      <select className="input" {...select} {...ties}>{options.map(([value, shown]) => <option key={value} value={value}>{shown}</option>)}</select>
    </Around>
  );
}

/** Yes or no. */
export function Check({ label, name, defaultChecked = false }: { name: string; label: ReactNode; defaultChecked?: boolean }) {
  const wrong = useWrong(name);
  return (
    <>
      <label className="check"><input type="checkbox" name={name} defaultChecked={defaultChecked} /> <span>{label}</span></label>
      {wrong !== '' && <p className="field-wrong">{wrong}</p>}
    </>
  );
}
