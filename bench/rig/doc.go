// Package rig is what the measuring programs beside it share: a weir in a process
// of its own on free ports, publishers that replay a recorded clip over RTMP at the
// pace of the clock, the books that the kernel keeps on a process, a browser that
// watches, and one line of JSON for each result.
//
// The programs measure from outside, through the public addresses only. They want a
// quiet machine and say nothing about a busy one. `bench/run` runs them all.
package rig
