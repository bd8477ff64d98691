import { useEffect, useRef } from 'react';
import { HELP } from './keys';

/** The keyboard help, as a dialog over the page. */
export function Help({ open, close, live }: { open: boolean; close: () => void; live: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keyboard</h2>
      <dl>
        {HELP.filter(([keys]) => live || keys !== 'L').map(([keys, does]) => (
          <div key={keys}><dt><kbd>{keys}</kbd></dt><dd>{does}</dd></div>
        ))}
      </dl>
      <button type="button" className="button" onClick={close}>Close</button>
    </dialog>
  );
}
