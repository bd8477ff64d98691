import { remember } from '../../session/hint';
import { useProviders } from './elsewhere';

/** Buttons of those who can vouch for people; nothing where there are none. */
export function Providers({ back }: { back: string }) {
  const providers = useProviders();
  if (providers.length === 0) return null;
  return (
    <div className="providers">
      {providers.map((p) => (
        // They come back signed in, by a page that is loaded anew and has to know that it is worth asking.
        <a key={p.name} className="button" href={`${p.start}?return_to=${encodeURIComponent(back)}`} onClick={() => remember(true)}>Continue with {p.title}</a>
      ))}
      <p className="or"><span>or</span></p>
    </div>
  );
}
