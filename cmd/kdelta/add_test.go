package main

import (
	"strings"
	"sync"
	"testing"
)

// The value that add prints is what its own version made of the counter, whoever adds at the same time.
func TestAddPrintsItsOwnSum(t *testing.T) {
	const each, adders = 25, 3
	s := newShell(t)
	s.ok("set", "a/b", "1")
	var wg sync.WaitGroup
	sums := make([][]string, adders)
	for i := range sums {
		wg.Go(func() {
			for range each {
				out := s.run("add", "stats/n")
				sums[i] = append(sums[i], strings.TrimSpace(out.stdout+out.stderr))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range sums {
		for _, sum := range list {
			if seen[sum] {
				t.Errorf("two adds print %s", sum)
			}
			seen[sum] = true
		}
	}
	if !seen["75"] || len(seen) != each*adders {
		t.Errorf("%d sums, with 75: %v", len(seen), seen["75"])
	}
}
