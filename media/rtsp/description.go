package rtsp

import (
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
)

// Told is what a description says of one of its media, as it came.
type Told struct {
	Language string // RFC 8866 6.12
	Title    string // 5.4
}

// Medias are what a legible description says, in the order of its media.
func Medias(body []byte) []Told {
	d, err := sdpunmarshaler.Unmarshal(body)
	if err != nil {
		return nil
	}
	list := make([]Told, len(d.MediaDescriptions))
	for i, m := range d.MediaDescriptions {
		list[i].Language, _ = m.Attribute("lang")
		if m.MediaTitle != nil {
			list[i].Title = string(*m.MediaTitle)
		}
	}
	return list
}

// Legible is a description (SDP) that the library can be given: the same, or none where it
// would panic. That happens in goroutines of its own, and would end the program; what is
// only wrong it refuses itself.
func Legible(body []byte) (same []byte) {
	defer func() {
		if recover() != nil {
			same = nil
		}
	}()
	if d, err := sdpunmarshaler.Unmarshal(body); err == nil {
		_ = new(description.Session).Unmarshal2(d)
	}
	return body
}
