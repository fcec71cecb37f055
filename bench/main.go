package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	name string
	// target says in words what is to be reached.
	target string
	large  bool
	run    func(*bench) (result, error)
}

// result is what a row found.
type result struct {
	// ours and limit are what one unit of the work took; limit is 0 where there is nothing to compare with.
	ours, limit time.Duration
	// note has what else was measured: bytes, memory.
	note string
	met  bool
}

// bench is what a row works with.
type bench struct {
	ctx context.Context
	dir string
	n   int
	// binary is the command, built when it is first wanted, and past the database that several rows read.
	binary string
	past   *longPast
}

// tempDir makes a new folder inside of the run's.
func (b *bench) tempDir() (string, error) {
	b.n++
	dir := fmt.Sprintf("%s/%d", b.dir, b.n)
	return dir, os.MkdirAll(dir, 0o700)
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == alonePrefix {
		runAlone(os.Args[2:])
		return
	}
	only := flag.String("row", "", "run the rows whose names contain this")
	large := flag.Bool("large", false, "run the rows with large databases too")
	flag.Parse()
	if err := run(*only, *large); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(only string, large bool) error {
	dir, err := os.MkdirTemp("", "kdelta-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: context.Background(), dir: dir}
	fmt.Printf("%s/%s, %d CPUs, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tours\t/s\tlimit\tratio\ttarget\tmet\tnote")
	for _, r := range rows() {
		if !strings.Contains(r.name, only) || r.large && !large {
			continue
		}
		res, err := r.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Fprintln(w, r.line(res))
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r row) line(res result) string {
	limit, ratio, met := "-", "-", "no"
	if res.limit > 0 {
		limit = res.limit.Round(10 * time.Nanosecond).String()
		ratio = fmt.Sprintf("%.2f", float64(res.limit)/float64(res.ours))
	}
	if res.met {
		met = "yes"
	}
	perSecond := float64(time.Second) / float64(max(res.ours, 1))
	return fmt.Sprintf("%s\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s",
		r.name, res.ours.Round(10*time.Nanosecond), perSecond, limit, ratio, r.target, met, res.note)
}

// rounds is how often each side of a row runs.
const rounds = 5

// inTurns runs all sides in turns, n units a round, and returns the median time of one unit of each.
func inTurns(n int, sides ...func() error) ([]time.Duration, error) {
	times := make([][]time.Duration, len(sides))
	for range rounds {
		for i, unit := range sides {
			start := time.Now()
			for range n {
				if err := unit(); err != nil {
					return nil, err
				}
			}
			times[i] = append(times[i], time.Since(start)/time.Duration(n))
		}
	}
	medians := make([]time.Duration, len(sides))
	for i := range times {
		medians[i] = median(times[i])
	}
	return medians, nil
}

// alone runs one side that prepares itself for each round, and returns the median time of a round.
func alone(n int, prepare func() (func() error, error)) (time.Duration, error) {
	var times []time.Duration
	for range n {
		work, err := prepare()
		if err != nil {
			return 0, err
		}
		runtime.GC()
		start := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	return median(times), nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
