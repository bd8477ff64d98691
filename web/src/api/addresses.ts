/** The address of a stream's LL-HLS playlist: known also while it is not live. */
export function hlsAddress(name: string): string {
  return `/live/${name}/index.m3u8`;
}

/** The address of a stream's DASH manifest. */
export function dashAddress(name: string): string {
  return `/live/${name}/manifest.mpd`;
}

/** The secret of a share link, which stands behind # and so is sent to no server. */
export const linkOf = (hash: string): string => new URLSearchParams(hash.replace(/^#/, '')).get('share') ?? '';
