import type { Rung } from './engine';

/** A rung with the names that people and scripts know it by. */
export interface Quality extends Rung {
  /** "720p, source", "480p"; "Audio" without a picture. */
  label: string;
  /** The rendition as the list of streams calls it: "source", "480p". */
  rendition: string;
}

/** "720p": the shorter side counts, so that portrait is named like landscape. */
export function lines(width: number, height: number): string {
  const side = width > 0 && height > 0 ? Math.min(width, height) : Math.max(width, height);
  return side > 0 ? `${side}p` : '';
}

/**
 * Names the rungs, best first. The best one is the publisher's own picture when the list of streams
 * says that there is a "source", or when the list does not know the stream yet. Sound alone is told by
 * its `measured` bit/s: of what is transferred, as the playlists tell it, half may be packaging.
 */
export function qualities(rungs: Rung[], renditions: string[], measured = 0): Quality[] {
  const best = [...rungs];
  best.sort((a, b) => b.bitrate - a.bitrate);
  const hasSource = renditions.length === 0 || renditions.includes('source');
  return best.map((rung, i) => {
    const size = lines(rung.width, rung.height);
    const alone = size === '' && best.length === 1 && measured > 0;
    const told = alone ? { ...rung, bitrate: measured } : rung;
    const label = size || 'Audio';
    if (i === 0 && hasSource) return { ...told, label: `${label}, source`, rendition: 'source' };
    return { ...told, label, rendition: label.toLowerCase() };
  });
}
