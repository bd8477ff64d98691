/** iPhones put only the video element, and by a call of their own, on the full screen. */
interface IPhoneVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

/** Puts the player on the full screen, or back. */
export function toggleFullscreen(root: HTMLElement, video: IPhoneVideo): void {
  if (document.fullscreenElement !== null && document.fullscreenElement !== undefined) {
    void document.exitFullscreen();
  } else if (typeof root.requestFullscreen === 'function') {
    root.requestFullscreen().catch(() => {});
  } else {
    video.webkitEnterFullscreen?.();
  }
}

/** True where a video can float above other windows. */
export const canFloat = (): boolean => document.pictureInPictureEnabled === true;

/** Lets the video float above other windows, or puts it back. */
export function toggleFloat(video: HTMLVideoElement): void {
  if (document.pictureInPictureElement) void document.exitPictureInPicture();
  else video.requestPictureInPicture().catch(() => {});
}
