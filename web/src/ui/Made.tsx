import { Copy } from './Copy';

/** A secret that was just made. */
export function Made({ what, secret, seen }: { what: string; secret: string; seen: () => void }) {
  return (
    <div className="made" role="status">
      <p><strong>Copy the {what} now.</strong> It is not shown again.</p>
      <p className="secret"><code>{secret}</code> <Copy text={secret} label={`Copy the ${what}`} compact /></p>
      <p className="fact"><button type="button" className="button" onClick={seen}>Done</button></p>
    </div>
  );
}
