package replicatest

import "math/bits"

// Set is a set of versions of a Model, by their numbers.
type Set []uint64

// Has reports whether n is in the set.
func (s Set) Has(n int) bool { return n/64 < len(s) && s[n/64]>>(n%64)&1 == 1 }

// Add puts n into the set.
func (s *Set) Add(n int) {
	for n/64 >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

// AddAll puts all of x into the set.
func (s *Set) AddAll(x Set) {
	for len(*s) < len(x) {
		*s = append(*s, 0)
	}
	for i, w := range x {
		(*s)[i] |= w
	}
}

// Clone is a copy of its own.
func (s Set) Clone() Set { return append(Set(nil), s...) }

// Meet is what both sets hold.
func (s Set) Meet(x Set) Set {
	n := min(len(s), len(x))
	out := make(Set, n)
	for i := range n {
		out[i] = s[i] & x[i]
	}
	return out
}

// Len counts the members.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Without are the members of s that are not in x, ascending.
func (s Set) Without(x Set) []int {
	var out []int
	for i, w := range s {
		if i < len(x) {
			w &^= x[i]
		}
		for ; w != 0; w &= w - 1 {
			out = append(out, i*64+bits.TrailingZeros64(w))
		}
	}
	return out
}

// Members are all members, ascending.
func (s Set) Members() []int { return s.Without(nil) }

// ID is equal for equal sets.
func (s Set) ID() string {
	n := len(s)
	for n > 0 && s[n-1] == 0 {
		n--
	}
	b := make([]byte, 0, n*8)
	for _, w := range s[:n] {
		for i := range 8 {
			b = append(b, byte(w>>(8*i)))
		}
	}
	return string(b)
}
