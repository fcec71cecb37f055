package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// alonePrefix makes this program run a command and print what it took. Linux counts the peak of memory of a process for the one
// that it starts as well, so who starts one has to be small, which a program that made a large database is not.
const alonePrefix = "alone"

// process runs a command some times: the median of what it takes, and the most memory.
func process(binary string, args ...string) (took time.Duration, megabytes int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	var times []time.Duration
	for range rounds {
		out, err := exec.Command(self, append([]string{alonePrefix, binary}, args...)...).CombinedOutput()
		if err != nil {
			return 0, 0, fmt.Errorf("%w: %s", err, out)
		}
		var peak int64
		if _, err := fmt.Sscan(string(out), &took, &peak); err != nil {
			return 0, 0, err
		}
		times, megabytes = append(times, took), max(megabytes, peak>>20)
	}
	return median(times), megabytes, nil
}

// runAlone is the other side of process: it prints nanoseconds, and the bytes of memory at the peak.
func runAlone(command []string) {
	start := time.Now()
	c := exec.Command(command[0], command[1:]...)
	out, err := c.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(string(out)), err)
		os.Exit(1)
	}
	var peak int64
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss << 10
	}
	fmt.Println(int64(took), peak)
}
