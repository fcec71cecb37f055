//go:build !js

package identity

import (
	"crypto/sha3"
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// equation is a claim as arithmetic on the curve. It holds if
//
//	8·(s·B - R - k·A) = 0        k = SHA-512(R ‖ A ‖ message) mod L
//
// where A is the signer's key, (R, s) the signature, B the base point and L
// its order: the equation of RFC 8032 with the cofactor, 8. What a signer may
// have put into A and R that is of small order falls away by that, so that a
// sum of such equations says of each of them what it says by itself.
type equation struct {
	claim int                 // which of the claims it is
	key   *edwards25519.Point // A
	r     edwards25519.Point
	s, k  edwards25519.Scalar
}

// read reads a claim of whoever has the key, as ZIP 215 does: R may be any
// encoding of a point, s must be canonical. It is false for what cannot hold.
func (e *equation) read(c *claim) bool {
	if c.message == nil {
		return false
	}
	if _, err := e.r.SetBytes(c.sig[:32]); err != nil {
		return false
	}
	if _, err := e.s.SetCanonicalBytes(c.sig[32:]); err != nil {
		return false
	}
	h := sha512.New()
	h.Write(c.sig[:32])
	h.Write(c.public[:])
	h.Write(c.message)
	var sum [sha512.Size]byte
	if _, err := e.k.SetUniformBytes(h.Sum(sum[:0])); err != nil {
		panic("identity: a hash is no scalar: " + err.Error())
	}
	return true
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
	sum := new(edwards25519.Point).VarTimeMultiScalarMult(terms, points)
	return sum.MultByCofactor(sum).Equal(edwards25519.NewIdentityPoint()) == 1
}

// weights returns a source of random numbers of 128 bits. They are drawn from
// a hash of all that the sum consists of: they are the same whenever the
// equations are, and nobody knows one before all of it is fixed, so that making
// it for them takes 2^128 trials.
func weights(equations []equation) (draw func() edwards25519.Scalar) {
	h := sha3.NewSHAKE128()
	for i := range equations {
		e := &equations[i]
		h.Write(e.s.Bytes())
		h.Write(e.k.Bytes()) // a hash of R, A and the message
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
