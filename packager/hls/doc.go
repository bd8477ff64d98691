// Package hls turns a window into playlists.
//
// The low-latency media playlist is our own append-only renderer: no library at
// hand can express EXT-X-PART, EXT-X-PRELOAD-HINT and EXT-X-RENDITION-REPORT
// without allocating for each. Lines of old segments are rendered once and kept, in
// blocks that all renderings share. The multivariant playlist comes from grafov/m3u8.
//
// Rules are cited from draft-pantos-hls-rfc8216bis. It serves nothing and waits
// for nothing; that is packager/origin.
package hls
