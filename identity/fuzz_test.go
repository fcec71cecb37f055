package identity_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// bounded fails if f allocates more than 8 times its input and 64 KiB.
func bounded(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(8*input+64<<10) {
		t.Fatalf("%d bytes of input made the decoder allocate %d", input, used)
	}
}

// Whatever text comes, it is refused by name or it is the one text of the
// invite that it gives.
func FuzzParseInvite(f *testing.F) {
	v := loadVectors(f)
	for _, c := range v.Invites {
		f.Add(c.Text, unpack(f, c.Text))
	}
	for _, c := range v.Refused {
		if c.What == "invite" {
			f.Add(c.Input, []byte(c.Input))
		}
	}
	check := func(t *testing.T, text string) {
		var inv identity.Invite
		var err error
		bounded(t, len(text), func() { inv, err = identity.ParseInvite(text) })
		switch {
		case err == nil && inv.Text() != strings.TrimSpace(text):
			t.Fatalf("%q is accepted and its text is %q", text, inv.Text())
		case err == nil:
			if m := identity.FromInvite(inv); m.CanWrite() == inv.ReadOnly() || m.Space() != inv.Space() {
				t.Fatalf("%q makes a member that is another", text)
			}
		case !errors.Is(err, identity.ErrInviteMalformed) && !errors.Is(err, identity.ErrInviteChecksum) &&
			!errors.Is(err, identity.ErrInviteVersion):
			t.Fatalf("%q: %v is none of the named errors", text, err)
		}
	}
	f.Fuzz(func(t *testing.T, text string, content []byte) {
		check(t, text)
		check(t, pack(content)) // past the checksum
	})
}

// Whatever bytes come, they are refused as malformed or encode to themselves;
// the records that grants and certificates stand in and beside are held to
// the same.
func FuzzDecodeCertificate(f *testing.F) {
	v := loadVectors(f)
	for _, c := range v.Certificates {
		f.Add(unhex(f, c.Certificate))
		f.Add(unhex(f, c.Grant))
	}
	for _, c := range v.Seals {
		f.Add(unhex(f, c.Bytes))
	}
	for _, c := range v.Members {
		f.Add(unhex(f, c.Bytes))
	}
	for _, c := range v.Refused {
		if c.What == "certificate" || c.What == "seal" || c.What == "member" {
			f.Add(unhex(f, c.Input))
		}
	}
	space := newMember(f, 1).Space()
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, decode := range map[string]func() ([]byte, error){
			"certificate": func() ([]byte, error) {
				c, err := identity.DecodeCertificate(b)
				if err == nil && c.Verify(space) == nil && c.Grant.Verify(space) != nil {
					t.Fatalf("the certificate %x verifies without its grant", b)
				}
				return c.Append(nil), err
			},
			"grant": func() ([]byte, error) {
				g, err := identity.DecodeGrant(b)
				return g.Append(nil), err
			},
			"seal": func() ([]byte, error) {
				s, err := identity.DecodeSeal(b)
				return s.Append(nil), err
			},
			"member": func() ([]byte, error) {
				m, err := identity.DecodeMember(b)
				if err != nil {
					return nil, err
				}
				return m.Append(nil), nil
			},
		} {
			var again []byte
			var err error
			bounded(t, len(b), func() { again, err = decode() })
			switch {
			case err == nil && !bytes.Equal(again, b):
				t.Fatalf("%s %x encodes to %x", name, b, again)
			case err != nil && !errors.Is(err, identity.ErrMalformed) && (name != "member" || !errors.Is(err, identity.ErrSignature)):
				t.Fatalf("%s %x: %v is none of the named errors", name, b, err)
			}
		}
	})
}

// As above for the sidecar, with a right checksum put behind the bytes too.
func FuzzDecodeInstance(f *testing.F) {
	v := loadVectors(f)
	for _, c := range v.Instances {
		f.Add(unhex(f, c.Bytes))
		f.Add(unhex(f, c.Bytes[:len(c.Bytes)-8]))
	}
	check := func(t *testing.T, b []byte) {
		var i identity.Instance
		var err error
		bounded(t, len(b), func() { i, err = identity.DecodeInstance(b) })
		if err != nil {
			if !errors.Is(err, identity.ErrInstance) {
				t.Fatalf("%x: %v does not wrap ErrInstance", b, err)
			}
			return
		}
		if again, err := i.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x encodes to %x, %v", b, again, err)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		check(t, b)
		check(t, withChecksum(b))
	})
}

// Whatever keys and signatures come, together they are judged as one by one: all
// of 97 bytes, the seq the last of them.
func FuzzVerifyEach(f *testing.F) {
	const piece = 32 + 64 + 1
	space := newMember(f, 1).Space()
	var all []byte
	for _, c := range craftedSeals(f, space) {
		b := append(append(c.seal.Author[:], c.seal.Sig[:]...), byte(c.seal.Seq))
		f.Add(b)
		all = append(all, b...)
	}
	for _, e := range smallOrder(f) {
		all = append(append(append(append(all, e[:]...), e[:]...), make([]byte, 32)...), 1)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		var records []identity.Record
		for ; len(b) >= piece && len(records) < identity.BatchSize; b = b[piece:] {
			records = append(records, &identity.Seal{
				Author: identity.Author(b[:32]), Sig: identity.Signature(b[32:96]), Seq: uint64(b[96]), ID: fill(0x77),
			})
		}
		for i, holds := range identity.VerifyEach(space, records) {
			seal, _ := records[i].(*identity.Seal)
			if holds != (seal.Verify(space) == nil) {
				t.Fatalf("%d of %d, %x: %v together, %v by itself", i, len(records), seal.Append(nil), holds, seal.Verify(space))
			}
		}
	})
}
