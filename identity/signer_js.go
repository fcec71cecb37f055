package identity

import (
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// signer is a private key, ready to sign. In a browser it computes with the
// curve that verifies: crypto/ed25519 has one of its own, which would make each
// page a hundredth larger. The signatures are the same, bit for bit.
type signer struct {
	scalar edwards25519.Scalar
	prefix [32]byte
	public [32]byte
}

// newSigner makes the key of a seed (RFC 8032, section 5.1.5).
func newSigner(seed [32]byte) *signer {
	h := sha512.Sum512(seed[:])
	s := &signer{prefix: [32]byte(h[32:])}
	if _, err := s.scalar.SetBytesWithClamping(h[:32]); err != nil {
		panic("identity: 32 bytes are no private key: " + err.Error())
	}
	s.public = [32]byte(new(edwards25519.Point).ScalarBaseMult(&s.scalar).Bytes())
	return s
}

// sign signs a message (RFC 8032, section 5.1.6).
func (s *signer) sign(message []byte) (sig Signature) {
	r := hashToScalar(s.prefix[:], message)
	copy(sig[:32], new(edwards25519.Point).ScalarBaseMult(&r).Bytes())
	k := hashToScalar(sig[:32], s.public[:], message)
	copy(sig[32:], k.MultiplyAdd(&k, &s.scalar, &r).Bytes())
	return sig
}
