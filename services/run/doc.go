// Package run starts services in stages and stops them in reverse.
//
// It is the outermost frame of a process: cmd/weir opens every role first, then
// hands what it opened to Stages, which returns when the last of them has ended.
// A stage never outlives what it was started on, and is never stopped before what
// was started on top of it.
//
// It opens nothing, restarts nothing and knows no signals.
package run
