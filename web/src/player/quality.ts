import type { Rung } from './engine';

const CODINGS: [RegExp, string][] = [[/^h[ev][cv]1/, 'H.265'], [/^av01/, 'AV1'], [/^vp09/, 'VP9']];

/** What people call the coding of a CODECS attribute; nothing for H.264, which all browsers play. */
export function coding(codecs: string | null | undefined): { coding?: string } {
  const known = CODINGS.find(([form]) => form.test(codecs ?? ''));
  return known ? { coding: known[1] } : {};
}

/** A rung with the names that people and scripts know it by. */
export interface Quality extends Rung {
  /** "720p, source", "480p", "720p, AV1"; "Audio" without a picture. */
  label: string;
  /** The rendition as the list of streams calls it: "source", "480p", "original". */
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
  const source = best.find((rung) => !rung.coding);
  return best.map((rung) => {
    const size = lines(rung.width, rung.height);
    const alone = size === '' && best.length === 1 && measured > 0;
    const told = alone ? { ...rung, bitrate: measured } : rung;
    const label = size || 'Audio';
    if (rung.coding) return { ...told, label: `${label}, ${rung.coding}`, rendition: 'original' };
    if (rung === source && hasSource) return { ...told, label: `${label}, source`, rendition: 'source' };
    return { ...told, label, rendition: label.toLowerCase() };
  });
}
