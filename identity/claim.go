package identity

import (
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// claim is a signature before anybody has checked it: whose it is said to be,
// and over what. The zero claim does not hold.
type claim struct {
	public  [32]byte
	message []byte // nil where it is none that may be signed
	sig     Signature
}

func newClaim(public [32]byte, domain Domain, body []byte, sig Signature) claim {
	message, ok := signed(domain, body)
	if !ok {
		return claim{}
	}
	return claim{public: public, message: message, sig: sig}
}

// holds reports whether the signature is the signer's.
func (c *claim) holds() bool {
	key, ok := decodePoint(c.public[:])
	if !ok {
		return false
	}
	e, ok := c.equation(key)
	return ok && e.holds()
}

// equation is a claim as arithmetic on the curve. It holds if
//
//	8·(s·B - R - k·A) = 0        k = SHA-512(R ‖ A ‖ message) mod L
//
// where A is the signer's key, (R, s) the signature, B the base point and L
// its order: the equation of RFC 8032 with the cofactor, 8. What a signer may
// have put into A and R that is of small order falls away by that, so that a
// sum of such equations says of each of them what it says by itself.
type equation struct {
	claim *claim
	key   *edwards25519.Point // A
	r     edwards25519.Point
	s, k  edwards25519.Scalar
}

// equation reads the claim, whose public key is the encoding of key, as ZIP 215
// does: R may be any encoding of a point, s must be canonical.
func (c *claim) equation(key *edwards25519.Point) (e equation, ok bool) {
	if c.message == nil {
		return e, false
	}
	e.claim, e.key = c, key
	if _, err := e.r.SetBytes(c.sig[:32]); err != nil {
		return e, false
	}
	if _, err := e.s.SetCanonicalBytes(c.sig[32:]); err != nil {
		return e, false
	}
	e.k = hashToScalar(c.sig[:32], c.public[:], c.message)
	return e, true
}

// holds works the equation out.
func (e *equation) holds() bool {
	minusKey := new(edwards25519.Point).Negate(e.key)
	sum := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(&e.k, minusKey, &e.s)
	return isSmall(sum.Subtract(sum, &e.r))
}

// isSmall reports whether a point times the cofactor is nothing.
func isSmall(p *edwards25519.Point) bool {
	return new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1
}

// decodePoint takes every encoding of a point, those that are not canonical
// included, and gives false for what is none.
func decodePoint(b []byte) (*edwards25519.Point, bool) {
	p, err := new(edwards25519.Point).SetBytes(b)
	return p, err == nil
}

// hashToScalar is SHA-512 of the parts put together, as a number modulo L.
func hashToScalar(parts ...[]byte) (k edwards25519.Scalar) {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	var sum [sha512.Size]byte
	if _, err := k.SetUniformBytes(h.Sum(sum[:0])); err != nil {
		panic("identity: a hash is no scalar: " + err.Error())
	}
	return k
}
