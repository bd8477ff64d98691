import { useId, useState, type ChangeEvent } from 'react';
import { api, done, session } from '../../api/client';
import { words } from '../../api/problem';
import type { Own } from '../../session/session';
import { Avatar } from '../../ui/Avatar';

const MAX_BYTES = 5 << 20;

type Kind = 'avatar' | 'banner';

const call = {
  avatar: {
    set: (file: File) => done(api.PUT('/api/v1/users/me/avatar', asIs(file))),
    remove: () => done(api.DELETE('/api/v1/users/me/avatar')),
  },
  banner: {
    set: (file: File) => done(api.PUT('/api/v1/users/me/banner', asIs(file))),
    remove: () => done(api.DELETE('/api/v1/users/me/banner')),
  },
};

/** The bytes themselves, not JSON. */
const asIs = (file: File) => ({ body: file as never, bodySerializer: (b: unknown) => b as File, headers: { 'content-type': file.type || 'application/octet-stream' } });

/** The picture of a profile and the one above it. */
export function Pictures({ me, changed }: { me: Own; changed: (me: Own) => void }) {
  return (
    <div className="pictures">
      <Picture kind="avatar" title="Avatar" hint="A square, shown beside your name." there={me.avatar_url !== undefined} changed={changed}>
        <Avatar user={me} size={96} />
      </Picture>
      <Picture kind="banner" title="Banner" hint="Four times as wide as high, above your profile." there={me.banner_url !== undefined} changed={changed}>
        {me.banner_url === undefined ? <span className="banner" /> : <img className="banner" src={me.banner_url} alt="" />}
      </Picture>
    </div>
  );
}

interface Props {
  kind: Kind;
  title: string;
  hint: string;
  there: boolean;
  changed: (me: Own) => void;
  children: React.ReactNode;
}

function Picture({ kind, title, hint, there, changed, children }: Props) {
  const id = useId();
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<Own>) => {
    setBusy(true);
    setFailed('');
    try {
      const me = await work();
      session.know(me);
      changed(me);
    } catch (err) {
      setFailed(words(err));
    } finally {
      setBusy(false);
    }
  };
  const choose = (e: ChangeEvent<HTMLInputElement>) => {
    const file = e.target.files?.[0];
    e.target.value = ''; // so that the same file can be chosen again
    if (file === undefined) return;
    if (file.size > MAX_BYTES) setFailed('The file has more than 5 MiB. Choose a smaller one.');
    else void run(() => call[kind].set(file));
  };
  return (
    <div className={`picture picture-${kind}`}>
      {children}
      <div>
        <h3>{title}</h3>
        <p className="field-hint" id={`${id}-hint`}>{hint} PNG, JPEG or GIF, at most 5 MiB.</p>
        <p className="picture-tools">
          <input className="visually-hidden" id={id} type="file" accept="image/png,image/jpeg,image/gif" onChange={choose} disabled={busy} aria-describedby={`${id}-hint`} />
          <label className="button button-compact" htmlFor={id}>{busy ? 'Sending…' : there ? `Change the ${kind}` : `Choose a ${kind === 'avatar' ? 'picture' : 'banner'}`}</label>
          {there && <button type="button" className="button button-compact" aria-label={`Remove the ${kind}`} disabled={busy} onClick={() => run(call[kind].remove)}>Remove</button>}
        </p>
        {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      </div>
    </div>
  );
}
