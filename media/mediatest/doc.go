// Package mediatest makes synthetic media for tests: packets of H.264 and AAC
// tracks with real parameter sets and the right sizes, times and key frames, but
// with noise in place of pictures and sound. It needs no encoder, so that the
// pure part of the project can be tested without cgo.
//
// It is imported by tests only. Everything it makes is a function of the fields
// of Source: the same source gives the same bytes on every machine. What needs
// pictures that can be decoded is not for this package.
package mediatest
