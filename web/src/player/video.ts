/** A video element as a player wants it. It is made apart from the page, since it may play before it is there. */
export function makeVideo(): HTMLVideoElement {
  const video = document.createElement('video');
  video.playsInline = true;
  video.preload = 'auto';
  video.tabIndex = -1;
  return video;
}
