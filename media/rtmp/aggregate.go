package rtmp

const flvTagHeader = 11 // FLV E.4.1; a back pointer of 4 bytes follows each body

// aggregate is what is left to be handed out of an aggregate message (RTMP
// 7.1.6): FLV tags behind one another.
type aggregate struct {
	Message
	base  uint32 // time stamp of the first tag; all are moved to the message's own
	begun bool
}

// next takes the next audio, video or data message out. A tag that does not fit
// ends the aggregate; tags of other types are passed over.
func (a *aggregate) next() (Message, bool) {
	for len(a.Body) >= flvTagHeader {
		h, n := a.Body, int(uint24(a.Body[1:]))
		if flvTagHeader+n > len(h) {
			break
		}
		time := uint24(h[4:]) | uint32(h[7])<<24
		if !a.begun {
			a.begun, a.base = true, time
		}
		m := Message{
			Type:      MessageType(h[0]),
			StreamID:  a.StreamID,
			Timestamp: a.Timestamp + time - a.base,
			Body:      h[flvTagHeader : flvTagHeader+n : flvTagHeader+n],
		}
		a.Body = h[min(len(h), flvTagHeader+n+4):]
		if m.Type == TypeAudio || m.Type == TypeVideo || m.Type == TypeData {
			return m, true
		}
	}
	a.Body = nil
	return Message{}, false
}
