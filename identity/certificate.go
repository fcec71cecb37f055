package identity

import (
	"io"

	"github.com/kdelta/kdelta/internal/canon"
)

// Epoch counts the secrets of a space, from FirstEpoch. A new epoch has a new
// secret and a new writer key; it ends sessions under the old ones and never
// invalidates a version.
type Epoch uint64

// FirstEpoch is the epoch of a new space. Epoch 0 is none.
const FirstEpoch Epoch = 1

// Writer is the public key that certifies authors during one epoch. All
// members who may write hold its private half.
type Writer [32]byte

// WriterKey is the private key that certifies authors; a read-write invite
// carries it. The rules for AuthorKey (zero value, copies, printing) hold for
// it as well.
type WriterKey struct {
	_    [0]func() // not comparable: == would compare addresses
	pair *keyPair
}

// NewWriterKey draws a new key: exactly 32 bytes from rand.
func NewWriterKey(rand io.Reader) (WriterKey, error) {
	seed, err := drawSeed(rand)
	if err != nil {
		return WriterKey{}, err
	}
	return WriterKeyFromSeed(seed), nil
}

// WriterKeyFromSeed returns the key of a seed (RFC 8032, section 5.1.5).
func WriterKeyFromSeed(seed [32]byte) WriterKey { return WriterKey{pair: newKeyPair(seed)} }

// Seed returns the 32 bytes from which WriterKeyFromSeed makes k again.
func (k WriterKey) Seed() [32]byte { return k.pair.seed() }

// Writer returns the public half of k.
func (k WriterKey) Writer() Writer { return k.pair.public() }

// IsZero reports whether k holds no key.
func (k WriterKey) IsZero() bool { return k.pair == nil }

// String names the key and hides the secret.
func (k WriterKey) String() string { return describeKey("WriterKey", k.pair) }

// GoString is String: %#v must not show the secret either.
func (k WriterKey) GoString() string { return k.String() }

// Grant is the root key's word that Writer certifies authors in one epoch. It
// carries the root public key, of which the space id is the fingerprint, so a
// grant proves itself to anybody who knows the space id.
//
//	encoding   [root, epoch, writer, sig]
//	signed     "kdelta/grant/0" [space, epoch, writer]
type Grant struct {
	Root   Root
	Epoch  Epoch
	Writer Writer
	Sig    Signature
}

// Grant signs that writer certifies authors in epoch.
func (k RootKey) Grant(epoch Epoch, writer Writer) Grant {
	g := Grant{Root: k.Root(), Epoch: epoch, Writer: writer}
	g.Sig = k.pair.sign(DomainGrant, g.body())
	return g
}

// Space returns the space that g speaks of.
func (g Grant) Space() Space { return g.Root.Space() }

// Verify returns nil if g is the word of space's root key, ErrOtherSpace if it
// names another root, ErrSignature if that root did not sign it.
func (g Grant) Verify(space Space) error {
	if g.Space() != space {
		return &detail{kind: ErrOtherSpace, text: "grant by the root of space " + g.Space().String()}
	}
	if c := g.claim(space); !c.holds() {
		return &detail{kind: ErrSignature, text: "grant in space " + space.String()}
	}
	return nil
}

// claim is the root's signature; in another space, or of no epoch, none holds.
func (g Grant) claim(space Space) claim {
	if g.Space() != space || g.Epoch < FirstEpoch {
		return claim{}
	}
	return newClaim(g.Root, DomainGrant, g.body(), g.Sig)
}

func (g Grant) under() (Grant, bool) { return Grant{}, false }

func (g Grant) body() []byte {
	return signedBy(g.Space(), g.Epoch, g.Writer)
}

// signedBy is the body [space, epoch, key] of grants and certificates.
func signedBy(space Space, epoch Epoch, key [32]byte) []byte {
	b := canon.AppendArray(make([]byte, 0, 96), 3)
	b = canon.AppendBytes(b, space[:])
	b = canon.AppendUint(b, uint64(epoch))
	return canon.AppendBytes(b, key[:])
}

// Append appends the canonical encoding of g, at most 144 bytes.
func (g Grant) Append(dst []byte) []byte {
	dst = canon.AppendArray(dst, 4)
	dst = canon.AppendBytes(dst, g.Root[:])
	dst = canon.AppendUint(dst, uint64(g.Epoch))
	dst = canon.AppendBytes(dst, g.Writer[:])
	return canon.AppendBytes(dst, g.Sig[:])
}

// DecodeGrant is the strict inverse of Grant.Append: all of b, one encoding,
// or ErrMalformed. It does not verify.
func DecodeGrant(b []byte) (Grant, error) {
	d := newDecoder("grant", b)
	g := d.grant()
	if err := d.end(); err != nil {
		return Grant{}, err
	}
	return g, nil
}

func (d *decoder) grant() Grant {
	d.array(4)
	return Grant{Root: d.bytes32(), Epoch: Epoch(d.uint()), Writer: d.bytes32(), Sig: d.signature()}
}

// Certificate is the writer key's word that an author may write, together with
// the grant that makes the writer key count. An author's first appearance in a
// pack carries its certificate.
//
//	encoding   [grant, author, sig]
//	signed     "kdelta/certificate/0" [space, epoch, author]
type Certificate struct {
	Grant  Grant
	Author Author
	Sig    Signature
}

// Certify signs that author may write in the space and epoch of g, which must
// be the grant of k's own public key: otherwise the certificate does not
// verify.
func (k WriterKey) Certify(g Grant, author Author) Certificate {
	c := Certificate{Grant: g, Author: author}
	c.Sig = k.pair.sign(DomainCertificate, c.body())
	return c
}

// Verify returns nil if c's author may write in space: root signed the writer,
// the writer signed the author. Errors as for Grant.Verify.
func (c Certificate) Verify(space Space) error {
	if err := c.Grant.Verify(space); err != nil {
		return err
	}
	if claim := c.claim(space); !claim.holds() {
		return &detail{kind: ErrSignature, text: "certificate of author " + c.Author.String()}
	}
	return nil
}

func (c Certificate) claim(Space) claim {
	return newClaim(c.Grant.Writer, DomainCertificate, c.body(), c.Sig)
}

func (c Certificate) under() (Grant, bool) { return c.Grant, true }

func (c Certificate) body() []byte {
	return signedBy(c.Grant.Space(), c.Grant.Epoch, c.Author)
}

// Append appends the canonical encoding of c, at most 245 bytes.
func (c Certificate) Append(dst []byte) []byte {
	dst = canon.AppendArray(dst, 3)
	dst = c.Grant.Append(dst)
	dst = canon.AppendBytes(dst, c.Author[:])
	return canon.AppendBytes(dst, c.Sig[:])
}

// DecodeCertificate is the strict inverse of Certificate.Append: all of b,
// one encoding, or ErrMalformed. It does not verify.
func DecodeCertificate(b []byte) (Certificate, error) {
	d := newDecoder("certificate", b)
	d.array(3)
	c := Certificate{Grant: d.grant(), Author: d.bytes32(), Sig: d.signature()}
	if err := d.end(); err != nil {
		return Certificate{}, err
	}
	return c, nil
}
