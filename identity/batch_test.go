//go:build !js

package identity

import "testing"

// claimsOf are seals of so many authors, each of which made two in a row.
func claimsOf(n int) []claim {
	var claims []claim
	for i := range n {
		key := AuthorKeyFromSeed([32]byte{byte(i / 2)})
		claims = append(claims, key.Seal(Space{1}, uint64(i)+1, [32]byte{2}).claim(Space{1}))
	}
	return claims
}

// A sum holds if all in it hold, and does not wherever one is that does not: what
// VerifyEach says does not depend on it, only how long it takes.
func TestSumHolds(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		claims := claimsOf(n)
		if !sumHolds(equationsOf(claims)) {
			t.Errorf("the sum of %d that hold does not", n)
		}
		for i := range claims {
			claims[i].message[len(claims[i].message)-1]++
			if sumHolds(equationsOf(claims)) {
				t.Errorf("the sum of %d holds, and number %d does not", n, i)
			}
			claims[i].message[len(claims[i].message)-1]--
		}
	}
}

// What one equation is too much, another one cannot be too little: each counts
// a number of times that nobody knows before all of them are fixed.
func TestErrorsDoNotCancel(t *testing.T) {
	equations := equationsOf(claimsOf(4))
	some := equations[2].k
	equations[0].s.Add(&equations[0].s, &some)
	equations[1].s.Subtract(&equations[1].s, &some)
	if sumHolds(equations) {
		t.Error("two errors that come to nothing are not seen")
	}
}
