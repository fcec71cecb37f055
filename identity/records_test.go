package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

// What is signed, put together by hand from the MessagePack specification.
func TestSignedBytesAreThoseOfTheFormat(t *testing.T) {
	m, key := newMember(t, 1), authorKey(9)
	space, author, id := m.Space(), key.Author(), fill(0x77)
	bin32 := func(b [32]byte) string { return "\xc4\x20" + string(b[:]) }

	seal := key.Seal(space, 300, id)
	message := "kdelta/seal/0\x94" + bin32(space) + bin32(author) + "\xcd\x01\x2c" + bin32(id)
	if !ed25519.Verify(author[:], []byte(message), seal.Sig[:]) {
		t.Error("seal: not the signature over domain and [space, author, seq, id]")
	}
	grant, root := m.Grant(), m.Root()
	message = "kdelta/grant/0\x93" + bin32(space) + "\x01" + bin32(grant.Writer)
	if !ed25519.Verify(root[:], []byte(message), grant.Sig[:]) {
		t.Error("grant: not the signature over domain and [space, epoch, writer]")
	}
	cert := certify(t, m, author)
	message = "kdelta/certificate/0\x93" + bin32(space) + "\x01" + bin32(author)
	if !ed25519.Verify(grant.Writer[:], []byte(message), cert.Sig[:]) {
		t.Error("certificate: not the signature over domain and [space, epoch, author]")
	}
	if want := sha256.Sum256(append([]byte("kdelta/space/0"), root[:]...)); want != space {
		t.Errorf("space = %x, want %x", space[:], want)
	}
}

func TestSealVerifiesAsItWasMadeOnly(t *testing.T) {
	key, space := authorKey(1), identity.Space(fill(2))
	seal := key.Seal(space, 7, fill(3))
	if err := seal.Verify(space); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*identity.Seal){
		"author":    func(s *identity.Seal) { s.Author = authorKey(2).Author() },
		"seq":       func(s *identity.Seal) { s.Seq++ },
		"id":        func(s *identity.Seal) { s.ID[31] ^= 1 },
		"signature": func(s *identity.Seal) { s.Sig[63] ^= 1 },
	} {
		changed := seal
		change(&changed)
		if err := changed.Verify(space); !errors.Is(err, identity.ErrSignature) {
			t.Errorf("another %s: got error %v, want ErrSignature", name, err)
		}
	}
	if err := seal.Verify(identity.Space(fill(4))); !errors.Is(err, identity.ErrSignature) {
		t.Errorf("another space: got error %v, want ErrSignature", err)
	}
}

func TestCertificateNeedsTheWholeChain(t *testing.T) {
	m, other, author := newMember(t, 1), newMember(t, 11), authorKey(9).Author()
	honest := certify(t, m, author)
	if err := honest.Verify(m.Space()); err != nil {
		t.Fatal(err)
	}
	root, writer := identity.RootKeyFromSeed(fill(1)), identity.WriterKeyFromSeed(fill(2))
	stranger, strangerRoot := identity.WriterKeyFromSeed(fill(40)), identity.RootKeyFromSeed(fill(41))
	change := func(f func(*identity.Certificate)) identity.Certificate {
		c := honest
		f(&c)
		return c
	}
	selfGranted := strangerRoot.Grant(identity.FirstEpoch, stranger.Writer())
	relabelled := selfGranted
	relabelled.Root = m.Root()
	for _, c := range []struct {
		name string
		cert identity.Certificate
		want error
	}{
		{"another author", change(func(c *identity.Certificate) { c.Author = authorKey(8).Author() }), identity.ErrSignature},
		{"a changed signature", change(func(c *identity.Certificate) { c.Sig[0] ^= 1 }), identity.ErrSignature},
		{"a changed grant", change(func(c *identity.Certificate) { c.Grant.Sig[0] ^= 1 }), identity.ErrSignature},
		{"a changed epoch", change(func(c *identity.Certificate) { c.Grant.Epoch++ }), identity.ErrSignature},
		{"a changed writer", change(func(c *identity.Certificate) { c.Grant.Writer = stranger.Writer() }), identity.ErrSignature},
		{"the certificate of another space", certify(t, other, author), identity.ErrOtherSpace},
		{"a root of the stranger's own", stranger.Certify(selfGranted, author), identity.ErrOtherSpace},
		{"that root under the name of the real one", stranger.Certify(relabelled, author), identity.ErrSignature},
		{"a writer that was not granted", stranger.Certify(m.Grant(), author), identity.ErrSignature},
		{"the writer of another epoch", writer.Certify(root.Grant(2, stranger.Writer()), author), identity.ErrSignature},
		{"epoch 0", writer.Certify(root.Grant(0, writer.Writer()), author), identity.ErrSignature},
		{"nothing at all", identity.Certificate{}, identity.ErrOtherSpace},
	} {
		if err := c.cert.Verify(m.Space()); !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
	}
	if err := writer.Certify(root.Grant(2, writer.Writer()), author).Verify(m.Space()); err != nil {
		t.Errorf("a later epoch of the same space: %v", err)
	}
}

// A signature for one purpose is none for another, though their bodies have
// one shape: a writer that certifies an author has not been granted by it.
func TestGrantAndCertificateDoNotMix(t *testing.T) {
	root, key := identity.RootKeyFromSeed(fill(1)), fill(5)
	grant := root.Grant(1, identity.Writer(key))
	posing := identity.WriterKeyFromSeed(fill(1)) // the same key in both parts
	cert := posing.Certify(root.Grant(1, posing.Writer()), identity.Author(key))
	if grant.Sig == cert.Sig {
		t.Error("grant and certificate over equal bodies share a signature")
	}
	cert.Sig = grant.Sig
	if err := cert.Verify(root.Root().Space()); !errors.Is(err, identity.ErrSignature) {
		t.Errorf("a grant's signature in a certificate: got error %v, want ErrSignature", err)
	}
}

// Every record round-trips, within its documented size, and no byte of it can
// be cut, added or changed without notice: by the decoder or by Verify.
func TestRecordsAreStrict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32)
		key := identity.AuthorKeyFromSeed([32]byte(seed.Draw(t, "author")))
		root := identity.RootKeyFromSeed([32]byte(seed.Draw(t, "root")))
		writer := identity.WriterKeyFromSeed([32]byte(seed.Draw(t, "writer")))
		epoch := identity.Epoch(rapid.Uint64Min(1).Draw(t, "epoch"))
		space := root.Root().Space()
		grant := root.Grant(epoch, writer.Writer())
		records := []struct {
			name   string
			bytes  []byte
			size   int
			decode func(b []byte) ([]byte, error, error)
		}{
			{
				"seal", key.Seal(space, rapid.Uint64().Draw(t, "seq"), [32]byte(seed.Draw(t, "id"))).Append(nil), 144,
				func(b []byte) ([]byte, error, error) {
					s, err := identity.DecodeSeal(b)
					return s.Append(nil), err, s.Verify(space)
				},
			},
			{
				"grant", grant.Append(nil), 144,
				func(b []byte) ([]byte, error, error) {
					g, err := identity.DecodeGrant(b)
					return g.Append(nil), err, g.Verify(space)
				},
			},
			{
				"certificate", writer.Certify(grant, key.Author()).Append(nil), 245,
				func(b []byte) ([]byte, error, error) {
					c, err := identity.DecodeCertificate(b)
					return c.Append(nil), err, c.Verify(space)
				},
			},
		}
		r := records[rapid.IntRange(0, len(records)-1).Draw(t, "record")]
		back, malformed, invalid := r.decode(r.bytes)
		if malformed != nil || invalid != nil || !bytes.Equal(back, r.bytes) {
			t.Fatalf("%s: decodes to %x, %v, %v", r.name, back, malformed, invalid)
		}
		if len(r.bytes) > r.size {
			t.Fatalf("%s: %d bytes, documented are %d at most", r.name, len(r.bytes), r.size)
		}
		at := rapid.IntRange(0, len(r.bytes)-1).Draw(t, "at")
		changed := bytes.Clone(r.bytes)
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		back, malformed, invalid = r.decode(changed)
		switch {
		case malformed != nil && !errors.Is(malformed, identity.ErrMalformed):
			t.Fatalf("%s: %v does not wrap ErrMalformed", r.name, malformed)
		case malformed == nil && invalid == nil:
			t.Fatalf("%s: byte %d was changed without notice", r.name, at)
		case malformed == nil && !bytes.Equal(back, changed):
			t.Fatalf("%s: %x decodes and encodes to %x", r.name, changed, back)
		}
		for name, b := range map[string][]byte{"cut": r.bytes[:at], "followed by a byte": append(bytes.Clone(r.bytes), 0)} {
			if _, malformed, _ := r.decode(b); !errors.Is(malformed, identity.ErrMalformed) {
				t.Fatalf("%s, %s: got error %v, want ErrMalformed", r.name, name, malformed)
			}
		}
	})
}
