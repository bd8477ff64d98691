// Package origin answers viewers: playlists, manifests, parts and segments over
// net/http.
//
//	/NAME/index.m3u8                       multivariant playlist
//	/NAME/manifest.mpd                     DASH
//	/NAME/thumb.jpg                        a picture of now
//	/NAME/EPOCH/RENDITION/index.m3u8       media playlist, blocking reload
//	/NAME/EPOCH/RENDITION/initI.mp4        initialisation segment
//	/NAME/EPOCH/RENDITION/MSN.m4s          segment
//	/NAME/EPOCH/RENDITION/MSN.PART.m4s     part; the hinted one is waited for
//	/NAME/EPOCH/RENDITION/dNUMBER.m4s      DASH segment, sent while it is written
//
// A pass, where a stream needs one, is an element before NAME (package door). What a
// viewer may not know of is answered, and held, like what is not there.
//
// EPOCH names the session, so that everything below it may be cached for ever.
// A playlist is rendered once for each part, whoever asks, and shared. Requests
// that wait see their client leave, and those that wait for a stream to begin are bounded, of
// each network too. Rules are those of rfc8216bis section 6.2.
package origin
