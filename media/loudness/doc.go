// Package loudness tells how loud a short piece of sound is: the little that says
// whether a microphone is on, dead or too loud.
//
// It decodes only what it is given, some tenths of a second, with a decoder that it
// closes again. It keeps nothing and starts no goroutine.
package loudness
