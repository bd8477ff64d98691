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
      handler: (_, { bundle }) => Object.values(bundle ?? {})
        .flatMap((chunk) => (chunk.type === 'chunk' && chunk.name === 'App' ? [chunk.fileName, ...chunk.imports] : []))
        .map((file) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
          injectTo: 'head' as const,
        })),
    },
  };
}

export default defineConfig({
  plugins: [preloadApp()],
  build: {
    target: 'es2022',
    // Nothing becomes a data: address: what is a file can be cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The players are big and come as chunks of their own, on request.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': weir, '/live': weir, '/vod': weir } },
  test: { include: ['src/**/*.test.ts', 'apitypes/*.test.mjs'], environment: 'node' },
});
