//go:build !js

package identity

import "filippo.io/edwards25519"

// smallBatch is how many claims are worked out one by one as fast.
const smallBatch = 2

// verifyClaims reports of each claim whether it holds. All are worked out in
// one sum of their equations (see sumHolds). One that does not come out tells
// that something in it does not hold, not what, so then each is worked out by
// itself. To halve it would be cheaper where one is bad, and much dearer where
// there is one in each half: as it is, whoever sends bad signatures makes
// them cost half as much again as one by one, and no more. What cannot hold, as
// it is no equation, is left out of the sum and spoils nothing.
func verifyClaims(claims []claim) []bool {
	holds := make([]bool, len(claims))
	if len(claims) > smallBatch {
		if equations := equationsOf(claims); sumHolds(equations) {
			for _, e := range equations {
				holds[e.claim] = true
			}
			return holds
		}
	}
	for i := range claims {
		holds[i] = claims[i].holds()
	}
	return holds
}

// equationsOf reads those claims that may hold. Claims in a row that have one
// key share it.
func equationsOf(claims []claim) []equation {
	equations := make([]equation, 0, len(claims))
	var key *edwards25519.Point
	for i := range claims {
		c := &claims[i]
		if i == 0 || c.public != claims[i-1].public {
			key, _ = new(edwards25519.Point).SetBytes(c.public[:]) // nil for what is no point
		}
		if e := (equation{claim: i, key: key}); key != nil && e.read(c) {
			equations = append(equations, e)
		}
	}
	return equations
}
