import type { EngineKind, StartEngine } from './engine';

/** A loaded player library. */
export interface EngineModule {
  start: StartEngine;
  supported?: () => boolean;
}

/**
 * Loads the code of an engine: each is a chunk of its own, fetched once. hls.js falls back to the
 * browser's own HLS where there are no Media Source Extensions; null where there is neither.
 */
export async function load(kind: EngineKind): Promise<EngineModule | null> {
  if (kind === 'dash') return import('./dash');
  if (kind === 'whep') return import('./whep');
  if (kind === 'hls') {
    const hls = await import('./hls');
    if (hls.supported()) return hls;
  }
  const native = await import('./native');
  return native.supported() ? native : null;
}
