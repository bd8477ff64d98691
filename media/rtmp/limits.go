package rtmp

import "time"

// Limits bounds what a peer can cost. The zero value of a field means its
// default, which suits a server that faces the internet.
type Limits struct {
	AMFDepth   int // nesting of objects and arrays; default 8
	AMFEntries int // values in one command or data message; default 1,000

	CommandBytes int // length of a command, data or unknown message; default 64 KiB
	MediaBytes   int // length of an audio, video or aggregate message; default 8 MiB
	ChunkStreams int // chunk stream ids that a peer may use; default 16
	// PendingBytes is the memory of all unfinished messages of one connection
	// together; default MediaBytes and 1 MiB.
	PendingBytes int

	GreetingBytes int           // input until publish is granted; default 64 KiB
	GreetingTime  time.Duration // time until publish is granted; default 5 s
	ReadTime      time.Duration // for more input to come, afterwards; default 10 s
	WriteTime     time.Duration // for the peer to take what we write; default 10 s

	// ReadBuffer is the size of the input buffer once publish is granted; before
	// that it is 4 KiB. Default 32 KiB.
	ReadBuffer int
}

// withDefaults fills in the zero fields.
func (l Limits) withDefaults() Limits {
	setDefault(&l.AMFDepth, 8)
	setDefault(&l.AMFEntries, 1000)
	setDefault(&l.CommandBytes, 64<<10)
	setDefault(&l.MediaBytes, 8<<20)
	setDefault(&l.ChunkStreams, 16)
	setDefault(&l.PendingBytes, l.MediaBytes+1<<20)
	setDefault(&l.GreetingBytes, 64<<10)
	setDefault(&l.GreetingTime, 5*time.Second)
	setDefault(&l.ReadTime, 10*time.Second)
	setDefault(&l.WriteTime, 10*time.Second)
	setDefault(&l.ReadBuffer, 32<<10)
	return l
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
