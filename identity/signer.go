//go:build !js

package identity

import "crypto/ed25519"

// signer is a private key, ready to sign.
type signer struct {
	private ed25519.PrivateKey
	public  [32]byte
}

// newSigner makes the key of a seed (RFC 8032, section 5.1.5).
func newSigner(seed [32]byte) *signer {
	private := ed25519.NewKeyFromSeed(seed[:])
	return &signer{private, [32]byte(private[32:])}
}

// sign signs a message (RFC 8032, section 5.1.6).
func (s *signer) sign(message []byte) Signature {
	return Signature(ed25519.Sign(s.private, message))
}
