package pack_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history/pack"
)

// TestRoundTrip packs any part of any versions and reads the same versions, with the same ids, from the bytes.
func TestRoundTrip(t *testing.T) {
	var d pack.Decoder
	var e pack.Encoder
	rapid.Check(t, func(t *rapid.T) {
		all := drawVersions(t)
		part := all[rapid.IntRange(0, len(all)-1).Draw(t, "from"):]
		o := pack.Options{Plain: rapid.Bool().Draw(t, "plain")}
		b, err := e.Append([]byte("before"), part, o)
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		got, err := read(&d, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(part) {
			t.Fatalf("%d versions, want %d", len(got), len(part))
		}
		for i := range got {
			if !same(&got[i], &part[i]) {
				t.Fatalf("version %d: %+v, want %+v", i, got[i], part[i])
			}
		}
		again, err := pack.Encode(nil, got, o)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("packed again: %x, want %x (%v)", again, b, err)
		}
	})
}
