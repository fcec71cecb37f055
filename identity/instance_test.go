package identity_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

func drawInstance(t *rapid.T) identity.Instance {
	text := rapid.StringN(-1, -1, identity.MaxInstanceText)
	return identity.Instance{
		Nonce:     [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "nonce")),
		File:      text.Draw(t, "file"),
		Opens:     rapid.Uint64().Draw(t, "opens"),
		Boot:      text.Draw(t, "boot"),
		Clean:     rapid.Bool().Draw(t, "clean"),
		Author:    identity.Author(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "author")),
		HandedOut: rapid.Uint64().Draw(t, "handed out"),
	}
}

// A sidecar that was torn or damaged anywhere says nothing.
func TestInstanceBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := drawInstance(t)
		b, err := i.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		b, ok := bytes.CutPrefix(b, []byte("before"))
		if !ok {
			t.Fatal("Append did not append")
		}
		if back, err := identity.DecodeInstance(b); err != nil || back != i {
			t.Fatalf("came back as %+v, %v", back, err)
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		flipped := bytes.Clone(b)
		flipped[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		for name, b := range map[string][]byte{"flipped": flipped, "torn": b[:at], "longer": append(bytes.Clone(b), 0)} {
			if back, err := identity.DecodeInstance(b); !errors.Is(err, identity.ErrInstance) || back != (identity.Instance{}) {
				t.Fatalf("%s at %d: got %+v and error %v, want ErrInstance", name, at, back, err)
			}
		}
	})
}

// Bytes with a right checksum are held to the format all the same.
func TestDecodeInstanceRefusesOtherContent(t *testing.T) {
	good := instanceBytes(t, identity.Instance{File: "file", Boot: "boot"})
	good = good[:len(good)-4]
	tooLong := "\xda\x01\x01" + strings.Repeat("x", identity.MaxInstanceText+1)
	for _, c := range []struct{ name, old, new string }{
		{"another format", "\x98\x00", "\x98\x01"},
		{"an item less", "\x98\x00", "\x97"},
		{"file too long", "\xa4file", tooLong},
		{"boot too long", "\xa4boot", tooLong},
		{"file not UTF-8", "\xa4file", "\xa1\xff"},
		{"file of bytes", "\xa4file", "\xc4\x04file"},
		{"a number for clean", "boot\xc2", "boot\x00"},
	} {
		if bytes.Count(good, []byte(c.old)) != 1 {
			t.Fatalf("%s: %q is not there once", c.name, c.old)
		}
		b := withChecksum(bytes.Replace(good, []byte(c.old), []byte(c.new), 1))
		if i, err := identity.DecodeInstance(b); !errors.Is(err, identity.ErrInstance) || i != (identity.Instance{}) {
			t.Errorf("%s: got %+v and error %v, want ErrInstance", c.name, i, err)
		}
	}
	if _, err := identity.DecodeInstance(withChecksum(good)); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestInstanceBounds(t *testing.T) {
	long := strings.Repeat("x", identity.MaxInstanceText)
	largest := identity.Instance{File: long, Opens: math.MaxUint64, Boot: long, HandedOut: math.MaxUint64}
	if b := instanceBytes(t, largest); len(b) != 595 {
		t.Errorf("the largest takes %d bytes, documented are 595", len(b))
	}
	for name, i := range map[string]identity.Instance{
		"file too long":  {File: long + "x"},
		"boot too long":  {Boot: long + "x"},
		"file not UTF-8": {File: "\xff"},
		"boot not UTF-8": {Boot: "\xff"},
	} {
		if b, err := i.Append([]byte("before")); !errors.Is(err, identity.ErrInstance) || string(b) != "before" {
			t.Errorf("%s: got %q and error %v, want ErrInstance and nothing appended", name, b, err)
		}
	}
}
