import { passTo } from '../api/recordings';
import { useAsked } from './asked';

/** Where the media of a channel's recordings are for who looks; "" until that is known. */
export function useVod(name: string, visibility: string): string {
  const pass = useAsked(() => (visibility === 'public' ? Promise.resolve('/vod/') : passTo(name)), `${name} ${visibility}`);
  return pass.value ?? '';
}
