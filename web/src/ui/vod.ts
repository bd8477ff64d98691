import { OPEN, wayTo, type Way } from '../api/recordings';
import { useAsked, type Asked } from './asked';

/** How who looks gets at what is kept of a channel: by a share link, where that is not "". Of a public channel there is nothing to ask. */
export const useWay = (name: string, visibility: string, link = ''): Asked<Way> =>
  useAsked(() => (visibility === 'public' ? Promise.resolve(OPEN) : wayTo(name, link)), `${name} ${visibility} ${link}`);

/** Where the media of a channel's recordings are for who looks; "" until that is known. */
export const useVod = (name: string, visibility: string): string => useWay(name, visibility).value?.place ?? '';
