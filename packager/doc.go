// Package packager turns the packets of one stream into what viewers get: CMAF
// chunks in a window, one store for LL-HLS and DASH alike.
//
// A Packager reads the publisher's stream and what the ladder made of it. The
// publisher's packets carry the marks where segments begin; from them it keeps
// one list of cuts, and every rendition is cut by that list, so that sequence
// numbers, times and discontinuities agree whatever arrives first.
//
// Until the second key frame of a session every part is a segment of its own
// ("mini segment"), so that players start after two parts.
//
// Playlists are packager/hls, manifests packager/dash, HTTP packager/origin,
// storage packager/archive.
package packager
