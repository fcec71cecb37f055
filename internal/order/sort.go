package order

import "sort"

// few is the number of elements up to which insertion is faster than anything else.
const few = 12

// Sort sorts s by compare, which is negative where a comes before b, positive where b does, zero where it does not
// matter, and must be a strict weak order. Equal elements may change places. It stands in for slices.SortFunc.
func Sort[S ~[]E, E any](s S, compare func(a, b E) int) {
	if len(s) > few {
		sort.Slice(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
		return
	}
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && compare(s[j], s[j-1]) < 0; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}
