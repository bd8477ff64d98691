import { useEffect, useState } from 'react';
import { api, done } from '../../api/client';
import { Refusal, words } from '../../api/problem';
import { fileSize } from '../../format';
import { useAsked } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { State } from '../../ui/State';

const ASK_EVERY_MS = 2_000;

async function newest() {
  try {
    return await done(api.GET('/api/v1/users/me/export'));
  } catch (err) {
    if (err instanceof Refusal && err.status === 404) return null;
    throw err;
  }
}

/** Needs the token, so it is fetched and not linked to. */
async function download(id: string): Promise<void> {
  const file = await done(api.GET('/api/v1/users/me/export/{id}/file', { params: { path: { id } }, parseAs: 'blob' }));
  const address = URL.createObjectURL(file as unknown as Blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = `weir-${id}.zip`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Has one's data packed, and fetches them. */
export function Export() {
  const last = useAsked(newest);
  const [failed, setFailed] = useState('');
  const { again } = last;
  const pending = last.value?.state === 'pending';
  useEffect(() => {
    if (!pending) return undefined;
    const t = window.setInterval(again, ASK_EVERY_MS);
    return () => window.clearInterval(t);
  }, [pending, again]);
  const run = (work: Promise<unknown>) => {
    setFailed('');
    work.then(again, (err: unknown) => setFailed(words(err)));
  };
  const { value } = last;
  if (value === undefined) return <State of={last} />;
  return (
    <>
      {value !== null && (
        <p role="status">
          {value.state === 'pending' && 'Your data are being packed…'}
          {value.state === 'ready' && <>Packed <Day at={value.created_at} time />{value.size ? `, ${fileSize(value.size)}` : ''}{value.expires_at ? <>, there until <Day at={value.expires_at} /></> : ''}.</>}
          {value.state === 'failed' && 'The last one did not work. Try it again.'}
          {value.state === 'expired' && 'The last one is gone.'}
        </p>
      )}
      <p className="fact">
        {value?.state === 'ready' && <button type="button" className="button button-main" onClick={() => run(download(value.id))}>Download</button>}
        <button type="button" className="button" disabled={pending} onClick={() => run(done(api.POST('/api/v1/users/me/export')))}>Pack my data</button>
      </p>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </>
  );
}
