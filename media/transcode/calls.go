//go:build cgo

package transcode

import (
	"fmt"

	"weir/media"
	"weir/media/hub"
	"weir/media/ladder"
)

// What is made for viewers who watch as in a call, over WebRTC, where neither
// reordered pictures nor AAC can be sent.
const (
	PictureName = "webrtc" // H.264 without B-frames
	OpusName    = "opus"
)

// callHeight is the most lines of PictureName: it is made for few, at once.
const callHeight = 720

// OpenPicture is Open for the one rendition PictureName, of the source's size or of
// 720 lines. There is no picture before the next key frame of the source.
func OpenPicture(config Config) (*Job, error) {
	config.defaults()
	config.alone = true
	j := &Job{config: config}
	video := config.Stream.Track(media.Video)
	if video == nil {
		return nil, fmt.Errorf("transcode %s: %w", config.Stream.ID(), ErrNothing)
	}
	j.first = j.plan(video)
	r := &rung{job: j, name: PictureName, in: make(chan picture, queueLength)}
	j.rungs = []*rung{r}
	j.load = newLoad(1)
	j.load.setKeepOne(true)
	j.feed = newFeed(j, config.Stream.SubscribeKind(media.Video, config.Queue))
	if err := r.open(j.first); err != nil {
		j.close()
		return nil, fmt.Errorf("transcode %s: %w", config.Stream.ID(), err)
	}
	return j, nil
}

// calls is PictureName of a source.
func calls(t *media.Track) media.Rendition {
	fitted := *t
	if min(t.Width, t.Height) > callHeight {
		fitted.Width, fitted.Height = ladder.Fit(t.Width, t.Height, callHeight)
	}
	r := ladder.Source(&fitted, 0)
	r.Name = PictureName
	return r
}

// OpenOpus is Open for the source's sound as OpusName, and nothing else.
func OpenOpus(config Config) (*Job, error) { return openAlone(config, config.Stream, OpusName) }

// OpenSound is Open for one of the source's sounds, counted from 0, and nothing else, whether
// it NeedsAudio or not.
func OpenSound(config Config, i int) (*Job, error) {
	from := config.Stream
	if i > 0 {
		from = config.Sounds[i-1]
	}
	return openAlone(config, from, media.SoundName(i))
}

func openAlone(config Config, from *hub.Stream, name string) (*Job, error) {
	config.defaults()
	j := &Job{config: config, load: newLoad(0)}
	audio := from.Track(media.Audio)
	if audio == nil {
		return nil, fmt.Errorf("transcode %s: %w", from.ID(), ErrNothing)
	}
	s, err := openSound(j, from, name, audio, config.Stream.Track(media.Video) == nil && from == config.Stream)
	if err != nil {
		j.close()
		return nil, fmt.Errorf("transcode %s: %w", from.ID(), err)
	}
	j.sounds = []*sound{s}
	return j, nil
}

// AskKey has the next picture of a rendition be a key frame, beside those where
// segments begin. It does not block.
func (j *Job) AskKey(rendition string) {
	for _, r := range j.rungs {
		if r.name == rendition {
			r.asked.Store(true)
		}
	}
}
