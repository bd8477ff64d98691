import Hls, { type LoaderCallbacks, type LoaderConfiguration, type LoaderContext } from 'hls.js';
import { takeAnswer } from './ahead';

/** hls.js's own loader, which takes what was asked for ahead; where nothing came of that it asks itself. */
export class Loader extends Hls.DefaultConfig.loader {
  private stop: AbortController | null = null;

  override load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
    const ahead = takeAnswer(new URL(context.url, location.href).pathname);
    if (ahead === null) {
      super.load(context, config, callbacks);
      return;
    }
    const { stop, at, answer } = ahead;
    this.stop = stop;
    answer.then(({ url, status, text }) => {
      if (stop.signal.aborted) return;
      const now = performance.now();
      Object.assign(this.stats, { loaded: text.length, total: text.length, loading: { start: at, first: now, end: now } });
      if (status === 200) callbacks.onSuccess({ url, data: text, code: status }, this.stats, context, null);
      else callbacks.onError({ code: status, text }, context, null, this.stats);
    }, () => {
      if (!stop.signal.aborted) super.load(context, config, callbacks);
    });
  }

  override abort(): void {
    this.stop?.abort();
    super.abort();
  }

  override destroy(): void {
    this.stop?.abort();
    super.destroy();
  }
}
