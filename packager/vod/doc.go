// Package vod plays recordings: playlists and manifests over the very segments that
// viewers got live, over net/http.
//
//	/ID/index.m3u8               multivariant playlist
//	/ID/manifest.mpd             DASH
//	/ID/thumb.jpg                a picture, storyboard.vtt and storyboardN.jpg more of them
//	/ID/download.mp4             the best rendition as one file; ?rendition= another
//	/ID/RENDITION/index.m3u8     media playlist
//	/ID/RENDITION/initI.mp4      initialisation segment
//	/ID/RENDITION/N.m4s          segment N of archive.Index.Runs
//
// A run is one stored segment, or the mini segments with which a session began: those
// have no key frames, and as one with the first they need none. A recording that is
// still made has a playlist that grows. IDs are never used again, so that what they
// name may be cached for ever.
//
// Manifests are kept in a bounded memory, media in none. Who may watch, the Door says,
// also while an answer takes its time; a pass is an element before ID (package door).
package vod
