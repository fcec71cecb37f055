package identity_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// Each key is HKDF-SHA-256 as RFC 5869 writes it, worked out by hand: one
// round of extract without salt, one of expand.
func TestDerivedKeysAreThoseOfTheRFC(t *testing.T) {
	secret, space := identity.EpochSecret(fill(1)), identity.Space(fill(2))
	mac := func(key, message []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(message)
		return h.Sum(nil)
	}
	byHand := func(label string) [32]byte {
		info := label + "\x92\xc4\x20" + string(space[:]) + "\xcd\x01\x2c"
		return [32]byte(mac(mac(make([]byte, 32), secret[:]), []byte(info+"\x01")))
	}
	for label, got := range map[string][32]byte{
		"kdelta/noise/0":     secret.NoiseKey(space, 300),
		"kdelta/room/0":      secret.RoomID(space, 300),
		"kdelta/room-read/0": secret.RoomReadKey(space, 300),
		"kdelta/pack/0":      secret.PackKey(space, 300),
	} {
		if want := byHand(label); got != want {
			t.Errorf("%s: %x, want %x", label, got, want)
		}
	}
}

func TestDerivedKeysDifferInEverything(t *testing.T) {
	seen := make(map[[32]byte]bool)
	n := 0
	for _, secret := range []identity.EpochSecret{fill(1), fill(2)} {
		for _, space := range []identity.Space{fill(1), fill(2)} {
			for _, epoch := range []identity.Epoch{1, 2} {
				for _, key := range [][32]byte{
					secret, secret.NoiseKey(space, epoch), secret.RoomID(space, epoch),
					secret.RoomReadKey(space, epoch), secret.PackKey(space, epoch),
				} {
					seen[key] = true
				}
				n += 4
			}
		}
	}
	if want := n + 2; len(seen) != want { // and the two secrets
		t.Errorf("%d different keys, want %d", len(seen), want)
	}
}

func TestMembers(t *testing.T) {
	founder := newMember(t, 1)
	writer := identity.FromInvite(invite(t, founder, false, 0))
	reader := identity.FromInvite(invite(t, founder, true, 0))
	for _, c := range []struct {
		name             string
		member           identity.Member
		canWrite, isRoot bool
	}{
		{"founder", founder, true, true},
		{"writer", writer, true, false},
		{"reader", reader, false, false},
		{"invited by a writer", identity.FromInvite(invite(t, writer, false, 0)), true, false},
		{"invited by a reader", identity.FromInvite(invite(t, reader, true, 0)), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.member
			if m.CanWrite() != c.canWrite || m.IsRoot() != c.isRoot || m.IsZero() {
				t.Errorf("CanWrite %t, IsRoot %t, IsZero %t", m.CanWrite(), m.IsRoot(), m.IsZero())
			}
			if m.Space() != founder.Space() || m.Root() != founder.Root() || m.Epoch() != identity.FirstEpoch ||
				m.Secret() != founder.Secret() || m.Grant() != founder.Grant() {
				t.Error("not a member of the founder's space and epoch")
			}
			author := authorKey(9).Author()
			cert, err := m.Certify(author)
			if c.canWrite {
				if err != nil || cert.Author != author || cert.Verify(founder.Space()) != nil {
					t.Errorf("Certify: %v, %v", err, cert.Verify(founder.Space()))
				}
			} else if !errors.Is(err, identity.ErrReadOnly) || cert != (identity.Certificate{}) {
				t.Errorf("Certify: got %v and error %v, want ErrReadOnly", cert, err)
			}
			_, err = m.Invite(false, 0, nil)
			if c.canWrite && err != nil || !c.canWrite && !errors.Is(err, identity.ErrReadOnly) {
				t.Errorf("Invite to write: got error %v", err)
			}
			b := m.Append(nil)
			if len(b) > 247 {
				t.Errorf("%d bytes, documented are 247 at most", len(b))
			}
			back, err := identity.DecodeMember(b)
			if err != nil || !bytes.Equal(back.Append(nil), b) {
				t.Errorf("does not come back from its encoding: %v, %v", back, err)
			}
			if back.CanWrite() != c.canWrite || back.IsRoot() != c.isRoot {
				t.Error("comes back from its encoding with other keys")
			}
		})
	}
}

func TestZeroMember(t *testing.T) {
	var m identity.Member
	if !m.IsZero() || m.CanWrite() || m.IsRoot() || m.String() != "Member(none)" {
		t.Errorf("IsZero %t, CanWrite %t, IsRoot %t, String %s", m.IsZero(), m.CanWrite(), m.IsRoot(), m)
	}
}

func TestDecodeMemberRefusesWhatDoesNotBelongTogether(t *testing.T) {
	m, other := newMember(t, 1), newMember(t, 11)
	b := m.Append(nil)
	swap := func(old, new [32]byte) []byte { return bytes.Replace(b, old[:], new[:], 1) }
	root, otherRoot := m.Root(), other.Root()
	reader := identity.FromInvite(invite(t, m, true, 0)).Append(nil)
	forged := bytes.Clone(reader)
	forged[len(forged)-5] ^= 1 // the last byte of the grant's signature, before two empty seeds
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"the writer key of another space", swap(fill(2), fill(12)), identity.ErrSignature},
		{"the root key of another space", swap(fill(1), fill(11)), identity.ErrSignature},
		{"the grant of another root", swap(root, otherRoot), identity.ErrSignature},
		{"a reader's grant that the root did not sign", forged, identity.ErrSignature},
		{"nothing", nil, identity.ErrMalformed},
		{"cut", b[:len(b)-1], identity.ErrMalformed},
		{"a byte more", append(bytes.Clone(b), 0), identity.ErrMalformed},
		{"a short seed", append(bytes.Clone(b[:len(b)-34]), 0xc4, 1, 1), identity.ErrMalformed},
		{"a list too long", append([]byte{0x95}, append(bytes.Clone(b[1:]), 0)...), identity.ErrMalformed},
	} {
		if got, err := identity.DecodeMember(c.bytes); !errors.Is(err, c.want) || !got.IsZero() {
			t.Errorf("%s: got %v and error %v, want %v", c.name, got, err, c.want)
		}
		stored, err := identity.StoredMember(c.bytes)
		if err == nil {
			err = stored.Verify()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s, stored and verified: error %v, want %v", c.name, err, c.want)
		}
	}
}
