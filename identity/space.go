package identity

import (
	"crypto/sha256"
	"io"
)

// Space is the id of a set of replicas that share data: SHA-256 of
// "kdelta/space/0" followed by the 32 bytes of the space's root public key. So
// a space id is also the fingerprint of the one key that may name writers.
type Space [32]byte

// String returns s as 52 characters of base32, a-z2-7.
func (s Space) String() string { return text32.EncodeToString(s[:]) }

// ParseSpace is the inverse of Space.String; anything else is ErrText.
func ParseSpace(text string) (Space, error) {
	id, err := parse32(text)
	return Space(id), err
}

// Root is the public key made when a space is created.
type Root [32]byte

// Space returns the id of r's space.
func (r Root) Space() Space {
	return sha256.Sum256(append([]byte(DomainSpace), r[:]...))
}

// RootKey is the private key of a space. Whoever holds it names the writer key
// of each epoch. The rules for AuthorKey (zero value, copies, printing) hold
// for it as well.
type RootKey struct {
	_    [0]func() // not comparable: == would compare addresses
	pair *keyPair
}

// NewRootKey draws a new key: exactly 32 bytes from rand.
func NewRootKey(rand io.Reader) (RootKey, error) {
	seed, err := drawSeed(rand)
	if err != nil {
		return RootKey{}, err
	}
	return RootKeyFromSeed(seed), nil
}

// RootKeyFromSeed returns the key of a seed (RFC 8032, section 5.1.5).
func RootKeyFromSeed(seed [32]byte) RootKey { return RootKey{pair: newKeyPair(seed)} }

// Seed returns the 32 bytes from which RootKeyFromSeed makes k again.
func (k RootKey) Seed() [32]byte { return k.pair.seed() }

// Root returns the public half of k.
func (k RootKey) Root() Root { return k.pair.public() }

// IsZero reports whether k holds no key.
func (k RootKey) IsZero() bool { return k.pair == nil }

// String names the key and hides the secret.
func (k RootKey) String() string { return describeKey("RootKey", k.pair) }

// GoString is String: %#v must not show the secret either.
func (k RootKey) GoString() string { return k.String() }
