// Package web is the application that people see: the list of live streams at
// "/", the watch page at "/watch/NAME", people at "/u/NAME", and the pages of
// their accounts, written in TypeScript and React beside this file, built by
// Vite into dist and embedded from there.
//
// Place in the walk: services/gateway serves FS on the public port and answers
// index.html for the paths that the application routes by itself
// (src/route.ts), and for watch pages watch.html, which is the same and tells
// of the player's chunk too. The pages call /api/v1 and /live of the same origin only.
//
// Invariants: every file under assets/ has a hash of its content in its name;
// neither page carries inline script or style, so the pages run under
//
//	default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:;
//	style-src 'self'; img-src 'self' data: blob:; connect-src 'self'
//
// The package does not serve HTTP, does not choose cache headers and knows
// nothing about streams.
package web
