import { useEffect, useState, type RefObject } from 'react';

const SLEEP_AFTER_MS = 3_000;

/**
 * True while the controls should be seen: for a while after every move, tap or key on the player,
 * while the keyboard's focus is inside, and always when `mayHide` is false.
 */
export function useAwake(root: RefObject<HTMLElement | null>, mayHide: boolean): boolean {
  const [awake, setAwake] = useState(true);
  useEffect(() => {
    const el = root.current;
    if (el === null) return undefined;
    let timer = 0;
    const busy = () => el.querySelector('button:focus-visible, input:focus-visible, .menu') !== null;
    const sleep = () => {
      if (busy()) timer = window.setTimeout(sleep, SLEEP_AFTER_MS);
      else setAwake(false);
    };
    const wake = () => {
      setAwake(true);
      window.clearTimeout(timer);
      timer = window.setTimeout(sleep, SLEEP_AFTER_MS);
    };
    const now = () => {
      window.clearTimeout(timer);
      sleep();
    };
    const left = (e: PointerEvent) => {
      if (e.pointerType === 'mouse') now();
    };
    // A tap that hides the controls must not wake them first: touch wakes on the way up, after the click.
    const moved = (e: PointerEvent) => {
      if (e.pointerType === 'mouse') wake();
    };
    const lifted = (e: PointerEvent) => {
      if (e.pointerType !== 'mouse') wake();
    };
    el.addEventListener('pointermove', moved);
    el.addEventListener('pointerup', lifted, { capture: true });
    el.addEventListener('pointerleave', left);
    el.addEventListener('keydown', wake);
    el.addEventListener('focusin', wake);
    el.addEventListener('weir:sleep', now);
    el.addEventListener('weir:key', wake);
    wake();
    return () => {
      window.clearTimeout(timer);
      el.removeEventListener('pointermove', moved);
      el.removeEventListener('pointerup', lifted, { capture: true });
      el.removeEventListener('pointerleave', left);
      el.removeEventListener('keydown', wake);
      el.removeEventListener('focusin', wake);
      el.removeEventListener('weir:sleep', now);
      el.removeEventListener('weir:key', wake);
    };
  }, [root]);
  return awake || !mayHide;
}
