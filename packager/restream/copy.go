package restream

import (
	"context"

	"weir/media"
	"weir/media/hub"
	"weir/media/rtmp"
	"weir/packager/flv"
)

// copy sends what r reads until one of the two ends.
func (p *Push) copy(ctx context.Context, r *hub.Reader, client *rtmp.Client) error {
	s := flv.NewSender(client, p.conf.Stream.Tracks())
	for {
		packet, err := r.Read(ctx)
		if err != nil {
			return err
		}
		note, err := codecs([]*media.Track{packet.Track})
		if err != nil {
			return err
		}
		if note != "" {
			p.note(note)
			continue
		}
		n, err := s.Send(packet)
		if err != nil {
			return err
		}
		p.count(n)
	}
}

func (p *Push) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Note = text
}

func (p *Push) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Bytes += uint64(n)
}
