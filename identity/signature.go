package identity

import (
	"crypto/ed25519"
	"io"
	"sync"
)

// Signature is an Ed25519 signature: made as RFC 8032 says (pure Ed25519), and
// holding if ZIP 215 says so.
type Signature [ed25519.SignatureSize]byte

// Domain is what a signature is for: printable ASCII of the form
// kdelta/PURPOSE/FORMAT. It is the first part of everything that is signed, so
// a signature made for one purpose means nothing for another.
type Domain string

// The domains of this package. Packages above name their own.
const (
	DomainSpace       Domain = "kdelta/space/0"
	DomainGrant       Domain = "kdelta/grant/0"
	DomainCertificate Domain = "kdelta/certificate/0"
	DomainSeal        Domain = "kdelta/seal/0"
)

// arrayHeaderMin and arrayHeaderMax bound the first byte of a canonical array
// of up to 15 items, the only bodies that are signed. None of these bytes can
// stand in a domain, so nobody can move the border between domain and body.
const (
	arrayHeaderMin = 0x90
	arrayHeaderMax = 0x9f
)

// signed returns the message a signature covers, domain followed by body, and
// false if the two could be told apart in more than one way.
func signed(domain Domain, body []byte) ([]byte, bool) {
	if len(body) == 0 || body[0] < arrayHeaderMin || body[0] > arrayHeaderMax {
		return nil, false
	}
	for i := range len(domain) {
		if domain[i] <= ' ' || domain[i] > '~' {
			return nil, false
		}
	}
	return append([]byte(domain), body...), len(domain) > 0
}

// keyPair is what AuthorKey, WriterKey and RootKey share. They hold it by
// pointer and it holds the seed by another: fmt follows one pointer at most, so
// that printing a struct with a key in it shows an address. The keys are worked
// out when they are first asked for: who reads a database signs nothing.
type keyPair struct {
	secret  *[32]byte
	private func() ed25519.PrivateKey
}

func newKeyPair(seed [32]byte) *keyPair {
	return &keyPair{
		secret:  &seed,
		private: sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seed[:]) }),
	}
}

func (k *keyPair) public() [32]byte { return [32]byte(k.private()[32:]) }

// drawSeed takes exactly 32 bytes from rand, so that equal readers give equal
// keys.
func drawSeed(rand io.Reader) (seed [32]byte, err error) {
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return [32]byte{}, &randError{cause: err}
	}
	return seed, nil
}

func (k *keyPair) seed() [32]byte { return *k.secret }

// sign signs domain and body. A body that may not be signed gets the zero
// signature, and no claim to such a body holds.
func (k *keyPair) sign(domain Domain, body []byte) Signature {
	message, ok := signed(domain, body)
	if !ok {
		return Signature{}
	}
	return Signature(ed25519.Sign(k.private(), message))
}

// randError says that the source of randomness gave too little.
type randError struct{ cause error }

func (e *randError) Error() string {
	return "identity: drawing a key: the source of randomness failed: " + e.cause.Error()
}

func (e *randError) Unwrap() error { return e.cause }
