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

// A work is done once to warm up, and some times more unless that took long: as in measure.js.
const (
	enoughRuns = 3
	enoughTime = time.Second
)

// none is what a work is done on that needs nothing.
type none struct{}

func nothing() (none, error) { return none{}, nil }

// measure does some work on what is prepared for it. It returns the median times, the memory that the first run added to the
// process, and what that one made.
func measure[In, Out any](prepare func() (In, error), work func(In) (Out, error)) (c cost, made Out, err error) {
	var worked, wall []time.Duration
	for sum := time.Duration(0); len(worked) == 0 || len(worked) <= enoughRuns && sum < enoughTime; sum += worked[len(worked)-1] {
		ready, err := prepare()
		if err != nil {
			return c, made, err
		}
		before := resident()
		began, start := time.Now(), cpu()
		out, err := work(ready)
		worked, wall = append(worked, cpu()-start), append(wall, time.Since(began))
		if err != nil {
			return c, made, err
		}
		if len(worked) == 1 {
			c.Memory, made = max(0, resident()-before), out
		}
	}
	if len(worked) > 1 {
		worked, wall = worked[1:], wall[1:]
	}
	runtime.KeepAlive(made)
	c.Ms, c.Wall = median(worked), median(wall)
	return c, made, nil
}

// median is that of durations, in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
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
