package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"weir/media"
	"weir/packager/cmaf"
)

// maxKeyFrame bounds a picture that is read, in bytes.
const maxKeyFrame = 16 << 20

// KeyFrames calls f for key frames of a recording that are at least so far apart, out
// of its smallest pictures. at is on the time line that players show. It reads no more
// of each segment than the key frame. A recording without pictures has none.
func (r *Recordings) KeyFrames(ctx context.Context, x *Index, every time.Duration, f func(at time.Duration, p *media.Packet) error) error {
	in := x.smallest()
	if in == nil {
		return nil
	}
	tracks := map[int]*media.Track{}
	at, next := time.Duration(0), time.Duration(0)
	for _, run := range x.Runs() {
		list := in.Run(run)
		if list != nil && at >= next && list[0].Flags&Independent != 0 {
			t, err := r.track(ctx, x.ID, in, list[0].Init, tracks)
			if err != nil {
				return err
			}
			data, err := r.keyFrame(ctx, x.ID, in.Name, list[0])
			if err != nil {
				return err
			}
			if err := f(at, &media.Packet{Track: t, DTS: list[0].Start, PTS: list[0].Start, Key: true, Data: data}); err != nil {
				return err
			}
			next = at + every
		}
		at += run.Duration.Duration()
	}
	return nil
}

func (x *Index) smallest() (least *Rendition) {
	for i := range x.Renditions {
		in := &x.Renditions[i]
		if in.Kind != media.Video || len(in.Segments) == 0 {
			continue
		}
		if least == nil || in.Inits[in.Segments[0].Init].Height < least.Inits[least.Segments[0].Init].Height {
			least = in
		}
	}
	return least
}

// track is how the packets of an initialisation segment are decoded.
func (r *Recordings) track(ctx context.Context, id string, in *Rendition, n int, known map[int]*media.Track) (*media.Track, error) {
	if t := known[n]; t != nil {
		return t, nil
	}
	body, _, err := r.Open(ctx, id, InitFile(in.Name, n), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return nil, err
	}
	codec, record, err := cmaf.Config(data)
	if err != nil {
		return nil, err
	}
	d := in.Inits[n]
	known[n] = &media.Track{Kind: media.Video, Codec: codec, Config: record, Width: d.Width, Height: d.Height}
	return known[n], nil
}

var errEnough = errors.New("enough")

// keyFrame reads the first picture of a segment.
func (r *Recordings) keyFrame(ctx context.Context, id, rendition string, s Segment) (data []byte, err error) {
	body, _, err := r.Open(ctx, id, SegmentFile(rendition, s), 0, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	err = cmaf.Walk(body, func(f *cmaf.Fragment, media io.Reader) error {
		if len(f.Samples) == 0 || f.Samples[0].Size > maxKeyFrame {
			return fmt.Errorf("%w: no picture, or a picture too large", cmaf.ErrMalformed)
		}
		data = make([]byte, f.Samples[0].Size)
		if _, err := io.ReadFull(media, data); err != nil {
			return err
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		return data, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: an empty segment", cmaf.ErrMalformed)
	}
	return nil, err
}
