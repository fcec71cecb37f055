package order_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/order"
)

// card has an order by rank alone.
type card struct {
	rank int
	_    [5]string // what makes a card large
}

func byRank(a, b card) int { return cmp.Compare(a.rank, b.rank) }

// TestSortFollowsSlices compares with the standard library, over lengths on both sides of insertion's end.
func TestSortFollowsSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 70).Draw(t, "numbers")
		want := slices.Clone(got)
		slices.Sort(want)
		order.Sort(got, cmp.Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("sorted to %v, want %v", got, want)
		}
	})
}

// TestSortComparesLittle holds the number of comparisons to n log n: an input from outside must not make it n².
func TestSortComparesLittle(t *testing.T) {
	const n, bound = 1 << 12, 3 * 12 << 12
	inputs := map[string]func(i int) int{
		"ascending":  func(i int) int { return i },
		"descending": func(i int) int { return n - i },
		"equal":      func(int) int { return 0 },
		"saw":        func(i int) int { return i % 17 },
		"random":     func(int) int { return rand.IntN(n) },
	}
	for name, at := range inputs {
		t.Run(name, func(t *testing.T) {
			s := make([]int, n)
			for i := range s {
				s[i] = at(i)
			}
			calls := 0
			order.Sort(s, func(a, b int) int { calls++; return cmp.Compare(a, b) })
			if !slices.IsSorted(s) {
				t.Error("not sorted")
			}
			if calls > bound {
				t.Errorf("%d comparisons of %d elements, want at most %d", calls, n, bound)
			}
		})
	}
}

// TestSortAllocates holds to what the package says of memory: it may sort what is decoded from outside.
func TestSortAllocates(t *testing.T) {
	for _, c := range []struct{ n, want int }{{1, 0}, {12, 0}, {13, 3}, {4096, 3}} {
		cards := make([]card, c.n)
		got := testing.AllocsPerRun(10, func() {
			for i := range cards {
				cards[i].rank = -i
			}
			order.Sort(cards, byRank)
		})
		if got != float64(c.want) {
			t.Errorf("%d elements: %v allocations, want %d", c.n, got, c.want)
		}
	}
}

func BenchmarkSort(b *testing.B) {
	for _, n := range []int{8, 32, 1000} {
		shuffled := make([]card, n)
		for i := range shuffled {
			shuffled[i].rank = rand.IntN(n)
		}
		s := make([]card, n)
		for name, sort := range map[string]func([]card, func(a, b card) int){"order": order.Sort[[]card], "slices": slices.SortFunc[[]card]} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					copy(s, shuffled)
					sort(s, byRank)
				}
			})
		}
	}
}
