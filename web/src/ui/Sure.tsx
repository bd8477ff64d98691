import { useEffect, useRef, useState, type ReactNode } from 'react';

interface Props {
  /** What the button says, and what it is called for those who hear it. */
  label: string;
  name?: string;
  /** What happens then. */
  children: ReactNode;
  /** What the second button says. */
  sure: string;
  onSure: () => void;
}

/** A button that asks once more before it does what cannot be undone. */
export function Sure({ label, name, children, sure, onSure }: Props) {
  const [asked, setAsked] = useState(false);
  const back = useRef(false);
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!asked && back.current) first.current?.focus();
    back.current = asked;
  }, [asked]);
  if (!asked) return <button ref={first} type="button" className="button button-compact" {...(name !== undefined && { 'aria-label': name })} onClick={() => setAsked(true)}>{label}</button>;
  return (
    <span className="sure" role="group" aria-label={name ?? label}>
      <span>{children}</span>
      <button type="button" className="button button-compact button-danger" autoFocus onClick={() => { setAsked(false); onSure(); }}>{sure}</button>
      <button type="button" className="textlink" onClick={() => setAsked(false)}>Cancel</button>
    </span>
  );
}
