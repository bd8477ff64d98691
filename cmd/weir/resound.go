package main

import (
	"weir/media"
	"weir/media/transcode"
)

// resound sees to it that viewers of a stream hear a publisher who comes back, over another
// protocol perhaps, with sound that cannot be passed on as that before was: from now on it is
// encoded. Sound that is encoded already stays so. It is called before the first packet of that
// publisher.
func (p *pipelines) resound(name string, tracks []*media.Track) bool {
	pl := p.get(name)
	if pl == nil {
		return false
	}
	i := 0
	for _, t := range tracks {
		if t.Kind != media.Audio {
			continue
		}
		if i < len(pl.own) && pl.own[i] && transcode.NeedsAudio(t) && !p.encodeSound(pl, i) {
			return false
		}
		i++
	}
	return true
}

// encodeSound has one more sound of a stream encoded.
func (p *pipelines) encodeSound(pl *pipeline, i int) bool {
	id := pl.source.ID()
	job, err := transcode.OpenSound(transcode.Config{Hub: p.hub, Stream: pl.source, Sounds: p.hub.Sounds(id), Log: p.log}, i)
	if err != nil {
		p.log.Error("this sound cannot be encoded: viewers get a new stream", "stream", id, "sound", i+1, "err", err)
		return false
	}
	pl.own[i] = false
	pl.pack.Resound(i, p.hub.Get(id+"/"+media.StreamID(media.SoundName(i))))
	p.encode(pl, job)
	return true
}
