//go:build !js

package identity

import (
	"crypto/sha3"

	"filippo.io/edwards25519"
)

// smallBatch is how many claims are worked out one by one as fast.
const smallBatch = 2

// verifyClaims reports of each claim whether it holds. All are worked out in
// one sum of their equations (see sumHolds). One that does not come out tells
// that something in it does not hold, not what, so then each is worked out by
// itself. To halve it would be cheaper where one is bad, and much dearer where
// there is one in each half: as it is, whoever sends bad signatures makes
// them cost half as much again as one by one, and no more.
func verifyClaims(claims []claim) []bool {
	holds := make([]bool, len(claims))
	equations := make([]equation, 0, len(claims))
	at := make([]int, 0, len(claims)) // of each equation, where its claim is
	var key *edwards25519.Point
	for i := range claims {
		c := &claims[i]
		if i == 0 || c.public != claims[i-1].public {
			key, _ = decodePoint(c.public[:])
		}
		if key == nil {
			continue
		}
		if e, ok := c.equation(key); ok {
			equations, at = append(equations, e), append(at, i)
		}
	}
	sound := len(equations) > smallBatch && sumHolds(equations)
	for j := range equations {
		holds[at[j]] = sound || equations[j].holds()
	}
	return holds
}

// sumHolds reports whether all equations hold, by their sum, each taken a
// number z of times that nobody can choose:
//
//	8·(Σ zs·B - Σ z·R - Σ zk·A) = 0
//
// Times the cofactor each is an equation in the group of order L, a prime
// number. If all of them hold, so does the sum; if not, then it does with a
// probability of 2^-128. (Bernstein, Duif, Lange, Schwabe, Yang: High-speed
// high-security signatures, 2012, section 5; with the cofactor as ZIP 215 has
// it.) Equations in a row that have one key take one term for it.
func sumHolds(equations []equation) bool {
	most := 1 + 2*len(equations)
	scalars, points := make([]edwards25519.Scalar, 1, most), make([]*edwards25519.Point, 1, most)
	points[0] = edwards25519.NewGeneratorPoint()
	draw := weights(equations)
	ofKey := 0 // where the term of the last key is
	for i := range equations {
		e := &equations[i]
		z := draw()
		if i == 0 || e.key != equations[i-1].key {
			ofKey = len(points)
			scalars, points = append(scalars, edwards25519.Scalar{}), append(points, e.key)
		}
		scalars[ofKey].MultiplyAdd(&z, &e.k, &scalars[ofKey])
		scalars, points = append(scalars, z), append(points, &e.r)
		scalars[0].MultiplyAdd(&z, &e.s, &scalars[0])
	}
	scalars[0].Negate(&scalars[0])
	terms := make([]*edwards25519.Scalar, len(scalars))
	for i := range scalars {
		terms[i] = &scalars[i]
	}
	return isSmall(new(edwards25519.Point).VarTimeMultiScalarMult(terms, points))
}

// weights returns a source of random numbers of 128 bits. They are drawn from
// a hash of all that the sum consists of: they are the same whenever the
// equations are, and nobody knows one before all of it is fixed, so that making
// it for them takes 2^128 trials.
func weights(equations []equation) (draw func() edwards25519.Scalar) {
	h := sha3.NewSHAKE128()
	for i := range equations {
		e := &equations[i]
		h.Write(e.claim.public[:])
		h.Write(e.claim.sig[:])
		h.Write(e.k.Bytes())
	}
	return func() (z edwards25519.Scalar) {
		var b [32]byte
		h.Read(b[:16])
		if _, err := z.SetCanonicalBytes(b[:]); err != nil {
			panic("identity: a number of 128 bits is no scalar: " + err.Error())
		}
		return z
	}
}
