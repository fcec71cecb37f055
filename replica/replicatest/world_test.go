package replicatest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seedsFlag = flag.Int("seeds", 0, "how many worlds TestWorld runs; 0: 2000, or 200 with -short, 40 with the race detector")
	seedFlag  = flag.Uint64("seed", 0, "run the world of this seed alone, and print what happens in it")
	firstFlag = flag.Uint64("first", 1, "the first of the seeds")
)

// TestWorld runs worlds from their seeds. A failure names the command that shows what happened.
func TestWorld(t *testing.T) {
	// Worlds are many and small: collecting less often makes them a good deal faster.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if *seedFlag != 0 {
		out := Run(Config{Seed: *seedFlag, Trace: os.Stdout})
		if out.Err != nil {
			t.Fatal(out.Err)
		}
		t.Log(report(out.Counts))
		return
	}
	n := *seedsFlag
	if n == 0 {
		n = 2000
		switch {
		case raced && testing.Short():
			n = 40 // it looks for races, which do not hide in seldom worlds: each has thousands of commits and syncs
		case testing.Short():
			n = 200
		}
	}
	var next atomic.Int64
	var mu sync.Mutex
	counts := make(map[string]int)
	var failed []string
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1)
				mu.Lock()
				stop := len(failed) > 0
				mu.Unlock()
				if i > int64(n) || stop {
					return
				}
				seed := *firstFlag + uint64(i) - 1
				out := Run(Config{Seed: seed})
				mu.Lock()
				for what, times := range out.Counts {
					counts[what] += times
				}
				counts["versions"] += out.Versions
				if out.Err != nil {
					failed = append(failed, fmt.Sprintf("%v\nreplay: go test ./replica/replicatest -run 'World$' -v -seed %d", out.Err, seed))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, f := range failed {
		t.Error(f)
	}
	if n >= 200 && len(failed) == 0 {
		requireAll(t, counts)
	}
	t.Log(report(counts))
}

// mustHappen are the things of which a run that proves anything has seen some.
var mustHappen = []string{
	"session: synced", "session: pushed", "session: left politely", "check: linked at last", "session: broken", "session: local fault", "frame: dropped", "frame: repeated", "frame: reordered", "frame: delayed",
	"frame: truncated", "frame: bit flipped", "frame: into a partition", "partition: two halves", "partition: one way",
	"crash", "kill", "restart", "store fault met", "fault while opening", "clone", "clone: with its sidecar", "compact", "restore", "restore: with its sidecar", "restore: behind what has left",
	"clock: back", "clock: forward", "clock: +10 years", "clock: -10 years", "clock: frozen", "read-only member", "read-only member upgraded",
	"op: set", "op: delete", "op: add", "op: set-add", "op: set-remove", "op: update", "op: settings", "op: resolve", "op: take", "op: from",
	"op: compare-and-set", "op: type", "version: text-splice", "shown: text", "op: arrange", "version: list-splice", "version: list-move", "version: list-replace", "shown: list", "version: merge", "version: join", "version: patch", "version: unknown", "version refused", "fork seen", "pending seen",
	"conflict: open", "conflict: overwritten", "conflict: resolved", "conflict why: revives", "conflict why: kinds",
	"conflict why: beats a delete", "shown: record", "check: equal sets compared", "check: verified", "check: inherited", "check: arrived", "check: nothing waits for what is here",
	"conflict of kinds: overwritten", "conflict of kinds: resolved",
	"evil: backdated", "evil: typing", "evil: beyond 2100", "evil: equivocation", "evil: unsealed", "evil: a seal over what is not taken", "evil: late seal", "evil: late certificate", "evil: late parent",
	"evil: parent that nobody has", "evil: op of the future",
	"check: receipts", "receipt: true", "receipt: true of copies", "receipt: of who starts again", "link: cut",
	"behind a pack: cut", "behind a pack: death", "behind a pack: death after the ack", "hostile: orphan flood", "hostile: forged seal", "hostile: forged certificate", "hostile: forks", "hostile: false receipts",
	"hostile: credit ignored", "hostile: presence flood", "hostile: garbled frame", "hostile: bomb", "check: harmed by nobody",
	"reissue: fork", "reissue: clock",
	"op: erase", "erased", "erased: but for what is inline",
}

// requireAll fails for everything that never happened.
func requireAll(t *testing.T, counts map[string]int) {
	t.Helper()
	for _, what := range mustHappen {
		if counts[what] == 0 {
			t.Errorf("in all these worlds this never happened: %s", what)
		}
	}
}

// TestWorldRepeats runs some seeds twice: without equal traces no failure could be replayed (I24).
func TestWorldRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		a, b := Run(Config{Seed: seed}), Run(Config{Seed: seed})
		if a.Hash != b.Hash {
			t.Errorf("seed %d happened in two ways", seed)
		}
	}
}

func report(counts map[string]int) string {
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%9d  %s\n", n, what))
	}
	slices.SortFunc(lines, func(a, b string) int {
		if a[11:] < b[11:] {
			return -1
		}
		return 1
	})
	return "what happened:\n" + strings.Join(lines, "")
}
