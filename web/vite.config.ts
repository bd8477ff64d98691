import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` proxies the API and the media to a weir that runs beside it.
const weir = 'http://127.0.0.1:8080';

/** Tells the browser of the application's chunks in the page itself, so that they are fetched beside the entry. */
function preloadApp(): Plugin {
  return {
    name: 'preload-app',
    transformIndexHtml: {
      order: 'post',
      handler: (_, { bundle }) => [...new Set(Object.values(bundle ?? {})
        .flatMap((chunk) => (chunk.type === 'chunk' && chunk.name === 'App' ? [chunk.fileName, ...chunk.imports] : [])))]
        .filter((file) => !file.includes('/begin-')) // the script itself
        .map((file) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
          injectTo: 'head' as const,
        })),
    },
  };
}

/** Writes a page of its own for /watch/NAME, which tells of the player's chunk too: else it is found only when the entry runs. */
function watchPage(): Plugin {
  return {
    name: 'watch-page',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      const player = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.name === 'hls');
      if (page?.type !== 'asset' || player === undefined) throw new Error('there is no page, or no player');
      const link = `<link rel="modulepreload" crossorigin href="/${player.fileName}">`;
      this.emitFile({ type: 'asset', fileName: 'watch.html', source: String(page.source).replace('<link rel="modulepreload"', `${link}\n    $&`) });
    },
  };
}

export default defineConfig({
  plugins: [preloadApp(), watchPage()],
  build: {
    target: 'es2022',
    // Nothing becomes a data: address: what is a file can be cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Each with all that it imports, and what it shares with others: few files, since each is a request that the picture waits for.
    rolldownOptions: { output: { codeSplitting: { groups: [
      { name: 'begin', test: /src[\\/](main|player[\\/]quality)\.ts$/, priority: 2 },
      { name: 'App', test: /src[\\/]App\.tsx$/, priority: 1 },
    ] } } },
    // The players are big and come as chunks of their own, on request.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': weir, '/live': weir, '/vod': weir } },
  test: { include: ['src/**/*.test.ts', 'apitypes/*.test.mjs'], environment: 'node' },
});
