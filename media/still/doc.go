// Package still makes the small picture that stands for a live stream: its newest
// key frame as a JPEG.
//
// It decodes only when somebody asks, at most once in five seconds for each
// stream however many ask, and few streams at a time. What it made is kept until
// it is asked for a newer one, for a bounded number of streams. It starts no
// goroutine, and it does not watch streams: the caller brings the key frame.
package still
