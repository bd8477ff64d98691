package feed

import (
	"weir/media"
	"weir/media/hub"
)

// Feed is where one kind of a stream comes from.
type Feed struct {
	Stream *hub.Stream // the publisher's own, or a rendition of it
	Track  *media.Track
}

// Of is what a protocol gets of a stream, a Feed for each kind at most, the picture first.
// takes tells which tracks it has a place for. lacks: there is a picture, but none
// for it. source must be known to the packager already, or there are no renditions yet.
func Of(h *hub.Hub, source *hub.Stream, takes func(*media.Track) bool) (list []Feed, lacks bool) {
	for _, kind := range [...]media.Kind{media.Video, media.Audio} {
		sent := source.Track(kind)
		if sent == nil {
			continue
		}
		if takes(sent) {
			list = append(list, Feed{source, sent})
			continue
		}
		name := media.SourceName
		if kind == media.Audio {
			name = media.AudioName
		}
		made := h.Get(source.ID() + "/" + media.StreamID(name))
		if made != nil {
			if t := made.Track(kind); t != nil && takes(t) {
				list = append(list, Feed{made, t})
				continue
			}
		}
		lacks = lacks || kind == media.Video
	}
	return list, lacks
}
