import { createContext, useContext, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { Refusal, sentence, words } from '../api/problem';

/** What is wrong with the fields of the form around, by name. */
const Wrong = createContext<Readonly<Record<string, string>>>({});

/** What is wrong with a field; "" when nothing is. */
export const useWrong = (name: string): string => sentence(useContext(Wrong)[name] ?? '');

/** The text of a field, "" when there is none. */
export function text(values: FormData, name: string): string {
  const v = values.get(name);
  return typeof v === 'string' ? v : '';
}

interface Props {
  /** What the button says. */
  submit: string;
  /** Sends the values. What it throws is shown: words for a field beside it, others below. */
  onSend: (values: FormData) => Promise<void>;
  /** Said after it has worked; none when the page changes by itself. */
  done?: string;
  /** Empties the fields after it has worked. */
  clear?: boolean;
  danger?: boolean;
  className?: string;
  children?: ReactNode;
}

/** A form that says what the server thinks of it. */
export function Form({ submit, onSend, done = '', clear = false, danger = false, className = '', children }: Props) {
  const [sending, setSending] = useState(false);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({});
  const [failed, setFailed] = useState('');
  const [said, setSaid] = useState('');
  const form = useRef<HTMLFormElement>(null);
  const send = async (e: FormEvent) => {
    e.preventDefault();
    if (form.current === null || sending) return;
    setSending(true);
    setSaid('');
    try {
      await onSend(new FormData(form.current));
      setWrong({});
      setFailed('');
      setSaid(done);
      if (clear) form.current?.reset();
    } catch (err) {
      const fields = err instanceof Refusal ? err.fields : {};
      setWrong(fields);
      setFailed(rest(form.current, fields, words(err)));
      const first = Object.keys(fields).find((name) => form.current?.elements.namedItem(name));
      focus(form.current, first);
    } finally {
      setSending(false);
    }
  };
  return (
    <form ref={form} className={`form ${className}`} onSubmit={send} noValidate>
      <Wrong.Provider value={wrong}>{children}</Wrong.Provider>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      <div className="form-end">
        <button type="submit" className={danger ? 'button button-danger' : 'button button-main'} disabled={sending} aria-busy={sending}>{submit}</button>
        <span className="form-said" role="status">{said}</span>
      </div>
    </form>
  );
}

/** The words that no field of the form shows. */
function rest(form: HTMLFormElement | null, fields: Readonly<Record<string, string>>, whole: string): string {
  const names = Object.keys(fields);
  if (names.length === 0) return whole;
  const hidden = names.filter((name) => !form?.elements.namedItem(name));
  return hidden.map((name) => sentence(`${name} ${fields[name]}`)).join(' ');
}

function focus(form: HTMLFormElement | null, name: string | undefined): void {
  const field = name === undefined ? null : form?.elements.namedItem(name);
  if (field instanceof HTMLElement) field.focus();
}
