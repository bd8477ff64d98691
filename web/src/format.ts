/** "1280×720", or "" when the size is not known yet. */
export function resolution(width: number, height: number): string {
  return width > 0 && height > 0 ? `${width}×${height}` : '';
}

/** "30 fps", "29.97 fps", or "" when the rate is not known. */
export function frameRate(fps: number): string {
  return fps > 0 ? `${Number(fps.toFixed(2))} fps` : '';
}

/** "2.5 Mbit/s", "800 kbit/s", or "" when the rate is not known. */
export function bitrate(bps: number): string {
  if (!(bps > 0)) return '';
  if (bps < 999_500) return `${Math.round(bps / 1000)} kbit/s`;
  return `${(bps / 1e6).toFixed(1)} Mbit/s`;
}

/** "avc1.64001f" -> "H.264": the name that people know; unknown ones stay as they are. */
export function codecName(codec: string): string {
  const name = codec.toLowerCase();
  const family = name.split('.')[0] ?? '';
  const known: Record<string, string> = {
    avc1: 'H.264', avc3: 'H.264', hvc1: 'HEVC', hev1: 'HEVC', av01: 'AV1', vp09: 'VP9',
    opus: 'Opus', 'ac-3': 'AC-3', 'ec-3': 'E-AC-3', flac: 'FLAC', 'mp4a.40.34': 'MP3', 'mp4a.6b': 'MP3', 'mp4a.69': 'MP3',
    'mp4a.a5': 'AC-3', 'mp4a.a6': 'E-AC-3', 'mp4a.ad': 'Opus',
  };
  return known[name] ?? known[family] ?? (name.startsWith('mp4a.40.') || name === 'mp4a.67' ? 'AAC' : codec);
}

/** How long ago `since` was, in words: "just now", "12 min", "3 h 05 min", "2 d 4 h". Both are epoch milliseconds. */
export function age(since: number, now: number): string {
  const minutes = Math.floor(Math.max(0, now - since) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "live for 12 min" with the right words for a stream that has just begun. */
export function liveFor(since: number, now: number): string {
  const text = age(since, now);
  return text === 'just now' ? 'started just now' : `live for ${text}`;
}

/** Seconds as "1.2 s", from a minute on as "2:05"; "" when not known. */
export function seconds(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '';
  const safe = Math.max(0, value);
  if (safe < 9.95) return `${safe.toFixed(1)} s`;
  const whole = Math.round(safe);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** A place in a recording, seconds as "1:05" or "2:03:09". */
export function clock(at: number): string {
  const whole = Math.floor(Math.max(0, at));
  const rest = `${String(Math.floor(whole / 60) % 60).padStart(whole < 3600 ? 1 : 2, '0')}:${String(whole % 60).padStart(2, '0')}`;
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest}`;
}

/** How long something took: "45 s", "12 min", "3 h 05 min". */
export function duration(ms: number): string {
  return ms < 59_500 ? `${Math.max(0, Math.round(ms / 1000))} s` : age(0, Math.max(ms, 60_000));
}

/** "812 B", "3.4 kB", "12.0 MB", "1.2 GB". */
export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`;
  return bytes < 999_950_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** "1 follower", "1,204 followers". */
export function people(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : `${one}s`}`;
}
