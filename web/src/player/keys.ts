/** What a key press asks the player to do. */
export type Action = 'toggle' | 'mute' | 'fullscreen' | 'live' | 'help' | 'louder' | 'quieter' | 'back' | 'forward';

/** The part of a KeyboardEvent that decides. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Where the focus is when a key is pressed. */
export type Focus = 'page' | 'player' | 'button' | 'field' | 'elsewhere';

const ANYWHERE = new Map<string, Action>([
  ['k', 'toggle'], ['m', 'mute'], ['f', 'fullscreen'], ['l', 'live'], ['?', 'help'],
]);
const ARROWS = new Map<string, Action>([
  ['ArrowUp', 'louder'], ['ArrowDown', 'quieter'], ['ArrowLeft', 'back'], ['ArrowRight', 'forward'],
]);

/**
 * The action of a key press, or null. A field keeps all its keys, a focused button or link its space
 * bar, and the arrows scroll unless the player or nothing in particular has the focus.
 */
export function action(press: Press, focus: Focus): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey || focus === 'field') return null;
  if (press.key === ' ') return focus === 'page' || focus === 'player' ? 'toggle' : null;
  const arrow = ARROWS.get(press.key);
  if (arrow !== undefined) return focus === 'elsewhere' ? null : arrow;
  return ANYWHERE.get(press.key.toLowerCase()) ?? null;
}

/** For the help: what each key does. */
export const HELP: [string, string][] = [
  ['Space or K', 'Play or pause'],
  ['M', 'Sound on or off'],
  ['↑ ↓', 'Louder, quieter'],
  ['← →', '10 seconds back, forward'],
  ['L', 'Go to live'],
  ['F', 'Full screen'],
  ['?', 'This help'],
];
