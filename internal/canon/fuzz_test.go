package canon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
)

// FuzzCheck: bytes from a stranger are refused, or they are exactly the one encoding of what they mean. Checking
// them never allocates more than 8 times their size and 64 KiB.
func FuzzCheck(f *testing.F) {
	v := loadVectors(f)
	for _, c := range v.Values {
		f.Add(unhex(f, c.Hex))
	}
	for _, c := range v.RefusedHex {
		f.Add(unhex(f, c.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := canon.Check(b)
		runtime.ReadMemStats(&after)
		if err != nil && !errors.Is(err, canon.ErrMalformed) {
			t.Fatalf("Check(%x): %v does not wrap ErrMalformed", b, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(8*len(b)+64<<10) {
			t.Fatalf("%d bytes of input made Check allocate %d", len(b), used)
		}
		exercise(b)
		if err != nil {
			return
		}
		if again := build(t, walk(t, b)); !bytes.Equal(again, b) {
			t.Fatalf("%x was accepted and re-encodes to %x", b, again)
		}
		if back, err := canon.FromJSON(canon.Value(b).AppendJSON(nil)); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x became %x by way of JSON: %v", b, back, err)
		}
	})
}

// exercise calls what must not panic even on bytes that never passed Check.
func exercise(v canon.Value) {
	v.AppendJSON(nil)
	v.Get("a")
	canon.Compare(v, v[:len(v)/2])
	for range v.Elements() {
	}
	r := canon.NewReader(v)
	for r.Skip() == nil {
	}
}

// FuzzFromJSON: encoding/json and canon agree on which texts are JSON and on what they mean, except for what canon refuses
// by contract.
func FuzzFromJSON(f *testing.F) {
	v := loadVectors(f)
	for _, c := range append(v.Values, v.Spellings...) {
		f.Add([]byte(c.JSON))
	}
	for _, c := range v.RefusedJSON {
		f.Add([]byte(c.JSON))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := canon.FromJSON(text)
		valid := json.Valid(text) && utf8.Valid(text)
		switch {
		case errors.Is(err, canon.ErrJSON):
			if valid {
				t.Fatalf("FromJSON(%q): %v, but it is JSON", text, err)
			}
			return
		case errors.Is(err, canon.ErrValue):
			return // found before the end of the text, which may be anything
		case err != nil:
			t.Fatalf("FromJSON(%q): %v wraps no sentinel", text, err)
		case !valid:
			t.Fatalf("FromJSON(%q) = %x, but it is not JSON", text, got)
		}
		if err := canon.Check(got); err != nil {
			t.Fatalf("FromJSON(%q) = %x, which is no value: %v", text, got, err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", text, err)
		}
		if !equalTrees(asRead(want), walk(t, got)) {
			t.Fatalf("FromJSON(%q) means %#v; want %#v", text, walk(t, got), want)
		}
	})
}
