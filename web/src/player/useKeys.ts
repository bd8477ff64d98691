import { useEffect, useRef, type RefObject } from 'react';
import type { Face } from './face';
import { action, type Action, type Focus } from './keys';
import { toggleFullscreen } from './screen';

const VOLUME_STEP = 0.05;
const SKIP_S = 10;

function focusOf(root: HTMLElement | null): Focus {
  const at = document.activeElement;
  if (at === null || at === document.body) return 'page';
  if (at.matches('input, textarea, select')) return 'field';
  if (root?.contains(at)) return at === root || at.matches('video') ? 'player' : 'button';
  return 'elsewhere';
}

function perform(what: Action, root: HTMLElement, controller: Face): void {
  const { volume, muted } = controller.get();
  const video = root.querySelector('video');
  switch (what) {
    case 'toggle': return controller.toggle();
    case 'mute': return controller.mute(!muted);
    case 'louder': return controller.loudness((muted ? 0 : volume) + VOLUME_STEP);
    case 'quieter': return controller.loudness((muted ? 0 : volume) - VOLUME_STEP);
    case 'live': return controller.goLive();
    case 'back': return controller.skip(-SKIP_S);
    case 'forward': return controller.skip(SKIP_S);
    case 'fullscreen': return video ? toggleFullscreen(root, video) : undefined;
    case 'help': return undefined;
  }
}

/** Listens to the keyboard for as long as the player is on the page. */
export function useKeys(root: RefObject<HTMLElement | null>, controller: Face | null, help: () => void): void {
  const latest = useRef(help);
  useEffect(() => { latest.current = help; });
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.defaultPrevented || controller === null || root.current === null) return;
      const what = action(e, focusOf(root.current));
      if (what === null) return;
      e.preventDefault();
      if (what === 'help') latest.current();
      else perform(what, root.current, controller);
      root.current.dispatchEvent(new Event('weir:key'));
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [root, controller]);
}
