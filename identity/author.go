package identity

import (
	"bytes"
	"io"
)

// Author is the Ed25519 public key of one database instance. Every version
// names its author; two instances never share one (see Judge).
type Author [32]byte

// shortLen is the length of the short text form of an author: 40 bits, enough
// to be unambiguous among the authors of one space, few enough to be read out.
const shortLen = 8

// String returns the short form of a: the first 8 characters of Full. It is
// for people and for output; it does not parse back and proves nothing.
func (a Author) String() string { return string(a.AppendShort(nil)) }

// AppendShort appends the short form of a.
func (a Author) AppendShort(b []byte) []byte { return text32.AppendEncode(b, a[:shortLen*5/8]) }

// Full returns the whole key as 52 characters of base32, a-z2-7.
func (a Author) Full() string { return text32.EncodeToString(a[:]) }

// ParseAuthor is the inverse of Author.Full. It takes that one form only and
// returns ErrText for anything else, the short form included.
func ParseAuthor(full string) (Author, error) {
	key, err := parse32(full)
	return Author(key), err
}

// Compare orders authors by the bytes of their keys: -1, 0 or +1. It is also
// the order of their Full forms.
func (a Author) Compare(b Author) int { return bytes.Compare(a[:], b[:]) }

// Verify reports whether sig is a's signature over domain and body. It is
// false for a body that is not a canonical array of up to 15 items.
func (a Author) Verify(domain Domain, body []byte, sig Signature) bool {
	c := newClaim(a, domain, body, sig)
	return c.holds()
}

// AuthorKey is the private key of a database instance. It never leaves the
// instance: no backup, invite or peer gets it. The zero AuthorKey holds no
// key, and every use of it but IsZero and String panics. Copies share the key; they are not
// comparable with ==, compare their Authors.
type AuthorKey struct {
	_    [0]func() // not comparable: == would compare addresses
	pair *keyPair
}

// NewAuthorKey draws a new key: exactly 32 bytes from rand, which is
// crypto/rand.Reader everywhere but in tests. The error is rand's, wrapped.
func NewAuthorKey(rand io.Reader) (AuthorKey, error) {
	seed, err := drawSeed(rand)
	if err != nil {
		return AuthorKey{}, err
	}
	return AuthorKeyFromSeed(seed), nil
}

// AuthorKeyFromSeed returns the key of a seed (RFC 8032, section 5.1.5).
func AuthorKeyFromSeed(seed [32]byte) AuthorKey { return AuthorKey{pair: newKeyPair(seed)} }

// Seed returns the 32 bytes from which AuthorKeyFromSeed makes k again. They
// are the secret itself: for the database's own file only.
func (k AuthorKey) Seed() [32]byte { return k.pair.seed() }

// Author returns the public half of k.
func (k AuthorKey) Author() Author { return k.pair.public() }

// IsZero reports whether k holds no key.
func (k AuthorKey) IsZero() bool { return k.pair == nil }

// Sign signs domain followed by body. The body must be a canonical array of
// up to 15 items, and never bytes that a peer chose alone; a body of another
// shape gets the zero signature, which nobody accepts.
func (k AuthorKey) Sign(domain Domain, body []byte) Signature { return k.pair.sign(domain, body) }

// String names the author and hides the secret.
func (k AuthorKey) String() string { return describeKey("AuthorKey", k.pair) }

// GoString is String: %#v must not show the secret either.
func (k AuthorKey) GoString() string { return k.String() }

func describeKey(kind string, pair *keyPair) string {
	if pair == nil {
		return kind + "(none)"
	}
	public := pair.public()
	return kind + "(" + text32.EncodeToString(public[:])[:shortLen] + ")"
}
