import { useEffect, useState } from 'react';
import { Icon } from './icons';

/** Copies also where the page is not in a secure context, as on http://host in a studio. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'visually-hidden';
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

const SHOWN_MS = 2_000;

/** A button that copies a text and says so. */
export function Copy({ text, label, compact = false }: { text: string; label: string; compact?: boolean }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const t = window.setTimeout(() => setSaid(''), SHOWN_MS);
    return () => window.clearTimeout(t);
  }, [said]);
  const click = async () => setSaid((await copy(text)) ? 'Copied' : 'Could not copy');
  return (
    <button type="button" className={compact ? 'button button-compact' : 'button'} onClick={click} {...(compact && said === "" ? { "aria-label": label } : {})}>
      <Icon name={said === 'Copied' ? 'check' : 'link'} size={18} />
      <span role="status">{said || (compact ? 'Copy' : label)}</span>
    </button>
  );
}
