import { useState } from 'react';
import { api, done } from '../../api/client';
import { Refusal, words } from '../../api/problem';
import { navigate } from '../../router';
import { useWho } from '../../session/who';
import { useAsked } from '../../ui/asked';

const path = (id: string) => ({ params: { path: { id } } });

async function follows(id: string): Promise<boolean> {
  try {
    await done(api.GET('/api/v1/users/me/following/{id}', path(id)));
    return true;
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return false;
    throw err;
  }
}

interface Props {
  id: string;
  name: string;
  /** Hears how the number of followers changed. */
  changed: (by: 1 | -1) => void;
}

/** The button that follows a channel, or does no longer. */
export function Follow({ id, name, changed }: Props) {
  const who = useWho();
  const signedIn = who !== null && who !== undefined;
  const asked = useAsked(async () => signedIn && (await follows(id)), `${id} ${signedIn}`);
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const following = asked.value === true;
  const click = async () => {
    if (!signedIn) {
      navigate(`/sign-in?return_to=${encodeURIComponent(location.pathname)}`);
      return;
    }
    setBusy(true);
    setFailed('');
    try {
      await done(following ? api.DELETE('/api/v1/users/me/following/{id}', path(id)) : api.PUT('/api/v1/users/me/following/{id}', path(id)));
      asked.put(!following);
      changed(following ? -1 : 1);
    } catch (err) {
      setFailed(words(err));
    } finally {
      setBusy(false);
    }
  };
  const unknown = who === undefined || (asked.value === undefined && asked.failed === '');
  return (
    <span className="follow">
      <button type="button" className={following ? 'button' : 'button button-main'} aria-pressed={following} disabled={busy || unknown} onClick={click}>{following ? 'Following' : 'Follow'}<span className="visually-hidden"> {name}</span></button>
      {failed !== '' && <span className="form-failed" role="alert">{failed}</span>}
    </span>
  );
}
