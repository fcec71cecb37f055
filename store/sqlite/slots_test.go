package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// TestSlotsCut cuts a write anywhere: the bytes of the write before it are there then, or the new ones.
func TestSlotsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slots")
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, slotBytes)
		last := content.Draw(t, "first")
		if err := os.WriteFile(path, firstSlots(last), 0o600); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 4).Draw(t, "writes") {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			next := content.Draw(t, "next")
			if err := overwriteSlot(path, next); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, ok := newestSlot(after); !ok || !bytes.Equal(got.bytes, next) {
				t.Fatalf("the file holds %x, %v; want %x", got.bytes, ok, next)
			}
			// Of what is written, the disk may have taken any part when the power went.
			from := rapid.IntRange(0, len(after)).Draw(t, "from")
			to := rapid.IntRange(from, len(after)).Draw(t, "to")
			cut := append(append(bytes.Clone(before[:from]), after[from:to]...), before[to:]...)
			if got, _, ok := newestSlot(cut); !ok || !bytes.Equal(got.bytes, last) && !bytes.Equal(got.bytes, next) {
				t.Fatalf("after a cut the file holds %x, %v; want %x or %x", got.bytes, ok, last, next)
			}
			last = next
		}
	})
}

// TestNoSlots: what is not a file of slots is told from one, whatever its size.
func TestNoSlots(t *testing.T) {
	whole := firstSlots([]byte("content"))
	flipped := bytes.Clone(whole)
	flipped[slotHead] ^= 1
	for name, file := range map[string][]byte{
		"nothing": nil, "zeroes": make([]byte, 2*slotSize), "all bits": bytes.Repeat([]byte{255}, 2*slotSize),
		"short": whole[:len(whole)-1], "long": append(bytes.Clone(whole), 0), "flipped": flipped,
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := newestSlot(file); ok {
			t.Errorf("%s: taken for a file of slots", name)
		}
		if err := overwriteSlot(path, nil); !errors.Is(err, errNoSlots) {
			t.Errorf("%s: overwriteSlot = %v, want errNoSlots", name, err)
		}
	}
}
