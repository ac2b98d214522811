package time

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname
)

// frozenNanos is the instant that the wall clock shows, in nanoseconds since the Unix epoch; 0 is the time of day.
//
//go:linkname frozenNanos
var frozenNanos int64

// wallClock is runtimeNow with another wall clock. The monotonic reading stays real, and with it timers and deadlines.
func wallClock() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	if frozen := atomic.LoadInt64(&frozenNanos); frozen != 0 {
		sec, nsec = frozen/1e9, int32(frozen%1e9)
	}
	return sec, nsec, mono
}
