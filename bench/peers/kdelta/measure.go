package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A work is done once to warm up, and some times more unless that took long: as in measure.js. Time is that of the processors.
const (
	enoughRuns = 3
	enoughTime = time.Second
)

// none is what a work is done on that needs nothing.
type none struct{}

func nothing() (none, error) { return none{}, nil }

// measure does some work on what is prepared for it. It returns the median time, what the first run added to the process, and
// what that one made.
func measure[In, Out any](prepare func() (In, error), work func(In) (Out, error)) (ms float64, memory int64, made Out, err error) {
	var took []time.Duration
	for sum := time.Duration(0); len(took) == 0 || len(took) <= enoughRuns && sum < enoughTime; sum += took[len(took)-1] {
		ready, err := prepare()
		if err != nil {
			return 0, 0, made, err
		}
		before := resident()
		start := cpu()
		out, err := work(ready)
		took = append(took, cpu()-start)
		if err != nil {
			return 0, 0, made, err
		}
		if len(took) == 1 {
			memory, made = max(0, resident()-before), out
		}
	}
	if len(took) > 1 {
		took = took[1:]
	}
	slices.Sort(took)
	runtime.KeepAlive(made)
	return float64(took[len(took)/2]) / float64(time.Millisecond), memory, made, nil
}

// resident is the memory of the process after a collection, where Linux tells.
func resident() int64 {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" {
			kB, _ := strconv.ParseInt(fields[1], 10, 64)
			return kB << 10
		}
	}
	return 0
}
