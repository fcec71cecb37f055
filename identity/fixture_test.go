package identity_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// fill returns 32 bytes of one value: the seeds of these tests.
func fill(b byte) (out [32]byte) {
	for i := range out {
		out[i] = b
	}
	return out
}

// newMember makes a space from the seeds first (root), first+1 (writer) and
// first+2 (secret).
func newMember(t testing.TB, first byte) identity.Member {
	t.Helper()
	root, writer, secret := fill(first), fill(first+1), fill(first+2)
	m, err := identity.NewSpace(bytes.NewReader(append(append(root[:], writer[:]...), secret[:]...)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func authorKey(b byte) identity.AuthorKey { return identity.AuthorKeyFromSeed(fill(b)) }

func certify(t testing.TB, m identity.Member, author identity.Author) identity.Certificate {
	t.Helper()
	c, err := m.Certify(author)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func invite(t testing.TB, m identity.Member, readOnly bool, expires int64, hints ...string) identity.Invite {
	t.Helper()
	inv, err := m.Invite(readOnly, expires, hints)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func instanceBytes(t testing.TB, i identity.Instance) []byte {
	t.Helper()
	b, err := i.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
