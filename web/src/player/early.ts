import { hlsAddress, linkOf } from '../api/addresses';
import { askAhead } from './ahead';
import { Controller } from './controller';
import { load } from './load';
import { makeVideo } from './video';

/** A player that has begun, with an element that is not in the page yet. */
export interface Early {
  url: string;
  video: HTMLVideoElement;
  controller: Controller;
}

let begun: Early | null = null;

/**
 * Begins to play a stream before the application is there to draw it, which takes it over. Not where the
 * address says that it is played in another way: by another engine, or with a pass.
 */
export function begin(name: string): void {
  if (new URLSearchParams(location.search).has('engine') || linkOf(location.hash) !== '') return;
  const video = makeVideo();
  const url = hlsAddress(name);
  askAhead(url);
  const controller = new Controller(video, { url, kind: 'hls', load });
  controller.again(); // not when the application's code has run
  begun = { url, video, controller };
}

/** What was begun for an address; null when nothing was, or somebody has it. */
export function takeOver(url: string): Early | null {
  if (begun?.url !== url) return null;
  const taken = begun;
  begun = null;
  return taken;
}
