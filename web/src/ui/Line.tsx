import { Copy } from './Copy';

/** One line of how to publish, with a button that copies it. */
export function Line({ label, text, what }: { label: string; text: string; what: string }) {
  return (
    <div className="line">
      <dt>{label}</dt>
      <dd><code>{text}</code><Copy text={text} label={`Copy the ${what}`} compact /></dd>
    </div>
  );
}
