package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

// The first test vector of RFC 8032, section 7.1, and its text by hand of
// RFC 4648.
func TestKeyIsThatOfTheRFC(t *testing.T) {
	seed := unhex(t, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	public := unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	key := identity.AuthorKeyFromSeed([32]byte(seed))
	author := key.Author()
	if !bytes.Equal(author[:], public) {
		t.Errorf("Author = %x, want %x", author[:], public)
	}
	if back := key.Seed(); !bytes.Equal(back[:], seed) {
		t.Errorf("Seed = %x, want %x", back, seed)
	}
	const full = "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena"
	if got := author.Full(); got != full {
		t.Errorf("Full = %s, want %s", got, full)
	}
	if got := author.String(); got != full[:8] {
		t.Errorf("String = %s, want %s", got, full[:8])
	}
}

func TestParseAuthorTakesOneFormOnly(t *testing.T) {
	author := authorKey(1).Author()
	full := author.Full()
	if got, err := identity.ParseAuthor(full); err != nil || got != author {
		t.Fatalf("ParseAuthor(Full) = %v, %v", got, err)
	}
	for name, text := range map[string]string{
		"empty":                      "",
		"short form":                 author.String(),
		"upper case":                 strings.ToUpper(full),
		"one character less":         full[:51],
		"one character more":         full + "a",
		"padding":                    full + "====",
		"white space":                " " + full,
		"a line break in the middle": full[:20] + "\n" + full[20:],
		"a line break for a letter":  full[:20] + "\n" + full[21:],
		"a character outside":        "1" + full[1:],
		"bits beyond the key":        full[:51] + "b",
	} {
		if _, err := identity.ParseAuthor(text); !errors.Is(err, identity.ErrText) {
			t.Errorf("%s: got error %v, want ErrText", name, err)
		}
		if _, err := identity.ParseSpace(text); !errors.Is(err, identity.ErrText) {
			t.Errorf("%s as a space: got error %v, want ErrText", name, err)
		}
	}
}

func TestTextForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32)
		a, b := identity.Author(key.Draw(t, "a")), identity.Author(key.Draw(t, "b"))
		if back, err := identity.ParseAuthor(a.Full()); err != nil || back != a {
			t.Fatalf("ParseAuthor(%s) = %v, %v", a.Full(), back, err)
		}
		if back, err := identity.ParseSpace(identity.Space(a).String()); err != nil || back != identity.Space(a) {
			t.Fatalf("ParseSpace: %v, %v", back, err)
		}
		if a.Compare(b) != bytes.Compare(a[:], b[:]) || a.Compare(b) != -b.Compare(a) {
			t.Fatalf("Compare(%x, %x) = %d", a[:], b[:], a.Compare(b))
		}
		if same := a; a.Compare(same) != 0 {
			t.Fatalf("%x is not equal to itself", a[:])
		}
		if !strings.HasPrefix(a.Full(), a.String()) || len(a.String()) != 8 {
			t.Fatalf("String %q of %q", a.String(), a.Full())
		}
	})
}

// Equal readers give equal keys, and nothing is read that is not used.
func TestKeysTakeExactlyTheirBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		size int64
		draw func(io.Reader) (string, error)
	}{
		{"author", 32, func(r io.Reader) (string, error) {
			k, err := identity.NewAuthorKey(r)
			return k.String(), err
		}},
		{"writer", 32, func(r io.Reader) (string, error) {
			k, err := identity.NewWriterKey(r)
			return k.String(), err
		}},
		{"root", 32, func(r io.Reader) (string, error) {
			k, err := identity.NewRootKey(r)
			return k.String(), err
		}},
		{"space", 96, func(r io.Reader) (string, error) {
			m, err := identity.NewSpace(r)
			return m.String(), err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			random := bytes.Repeat([]byte("random bytes"), 10)
			for n := int64(0); n < c.size; n += 8 {
				key, err := c.draw(io.LimitReader(bytes.NewReader(random), n))
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("from %d bytes: got error %v, want the reader's", n, err)
				}
				if !strings.HasSuffix(key, "(none)") {
					t.Errorf("from %d bytes: got %s beside the error", n, key)
				}
			}
			r := bytes.NewReader(random)
			first, err := c.draw(r)
			if err != nil {
				t.Fatal(err)
			}
			if used := int64(len(random) - r.Len()); used != c.size {
				t.Errorf("took %d bytes, want %d", used, c.size)
			}
			again, err := c.draw(bytes.NewReader(random))
			if err != nil || again != first {
				t.Errorf("the same bytes gave %s, then %s (error %v)", first, again, err)
			}
		})
	}
}

// Whatever verb prints a key or what holds one, the seed does not show.
func TestPrintingHidesSecrets(t *testing.T) {
	m := newMember(t, 0xc1) // root c1, writer c2, secret c3
	type holder struct {
		Key    identity.AuthorKey
		key    identity.AuthorKey
		Member identity.Member
		member identity.Member
		Invite identity.Invite
		invite identity.Invite
		Secret identity.EpochSecret
	}
	key, inv := identity.AuthorKeyFromSeed(fill(0xc4)), invite(t, m, false, 0)
	for name, v := range map[string]any{
		"author key": key, "member": m, "invite": inv, "epoch secret": m.Secret(),
		"writer key": identity.WriterKeyFromSeed(fill(0xc2)), "root key": identity.RootKeyFromSeed(fill(0xc1)),
		"struct":  holder{key, key, m, m, inv, inv, m.Secret()},
		"pointer": &holder{key, key, m, m, inv, inv, m.Secret()},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
			text := fmt.Sprintf(verb, v)
			for _, seed := range []byte{0xc1, 0xc2, 0xc3, 0xc4} {
				run := bytes.Repeat([]byte{seed}, 4)
				for _, form := range []string{
					string(run), fmt.Sprintf("%x", run), fmt.Sprintf("%X", run),
					fmt.Sprintf("%d, %[1]d", seed), fmt.Sprintf("%d %[1]d", seed), fmt.Sprintf("0x%x, 0x%[1]x", seed),
				} {
					if strings.Contains(text, form) {
						t.Errorf("%s of a %s shows the secret of seed %x", verb, name, seed)
					}
				}
			}
		}
	}
}

func TestSignaturesAreBoundToTheirDomain(t *testing.T) {
	key := authorKey(1)
	const domain = identity.Domain("kdelta/test/0")
	body := []byte{0x92, 0x01, 0xc3}
	sig := key.Sign(domain, body)
	if !ed25519.Verify(publicOf(key), append([]byte(domain), body...), sig[:]) {
		t.Fatal("the signature is not over domain followed by body")
	}
	if !key.Author().Verify(domain, body, sig) {
		t.Fatal("an honest signature does not verify")
	}
	for name, ok := range map[string]bool{
		"another domain":  key.Author().Verify("kdelta/test/1", body, sig),
		"another body":    key.Author().Verify(domain, []byte{0x92, 0x01, 0xc2}, sig),
		"another author":  authorKey(2).Author().Verify(domain, body, sig),
		"the zero author": identity.Author{}.Verify(domain, body, sig),
		"no signature":    key.Author().Verify(domain, body, identity.Signature{}),
	} {
		if ok {
			t.Errorf("%s verifies", name)
		}
	}
}

// A body that could run into its domain is neither signed nor accepted, even
// where the bare Ed25519 signature is right.
func TestAmbiguousMessagesAreRefused(t *testing.T) {
	key := authorKey(1)
	seed := key.Seed()
	private := ed25519.NewKeyFromSeed(seed[:])
	for _, c := range []struct {
		name   string
		domain identity.Domain
		body   []byte
	}{
		{"no body", "kdelta/test/0", nil},
		{"a body of text", "kdelta/test/0", []byte("0")},
		{"a body that is a map", "kdelta/test/0", []byte{0x80}},
		{"a body that is a long array", "kdelta/test/0", []byte{0xdc, 0, 16}},
		{"no domain", "", []byte{0x90}},
		{"a domain that is not ASCII", "kdelta/\x91/0", []byte{0x90}},
		{"a domain with a space", "kdelta test", []byte{0x90}},
	} {
		if sig := key.Sign(c.domain, c.body); sig != (identity.Signature{}) {
			t.Errorf("%s: was signed", c.name)
		}
		bare := ed25519.Sign(private, append([]byte(c.domain), c.body...))
		if key.Author().Verify(c.domain, c.body, identity.Signature(bare)) {
			t.Errorf("%s: was accepted", c.name)
		}
	}
}

func publicOf(k identity.AuthorKey) ed25519.PublicKey {
	author := k.Author()
	return author[:]
}
