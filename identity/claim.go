package identity

import "github.com/hdevalence/ed25519consensus"

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

// holds reports whether the signature is the signer's, as ZIP 215 has it.
func (c *claim) holds() bool {
	return c.message != nil && ed25519consensus.Verify(c.public[:], c.message, c.sig[:])
}
