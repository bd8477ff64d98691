//go:build cgo

package av

// #include <malloc.h>
import "C"

import "sync"

// Memory that libav frees goes back to the system: by itself the C library would
// keep whole pictures in an arena per thread, once the first one was freed.
const (
	mmapThreshold = 256 << 10
	arenas        = 2
)

//nolint:gochecknoglobals // the C library's settings are the process's own
var tuneMemory = sync.OnceFunc(func() {
	C.mallopt(C.M_MMAP_THRESHOLD, mmapThreshold)
	C.mallopt(C.M_ARENA_MAX, arenas)
})
