package zstd_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/zstd"
)

// compress skips where this program has no encoder.
func compress(t *testing.T, src []byte) []byte {
	t.Helper()
	b, ok := zstd.Compress(nil, src, false)
	if !ok {
		t.Skip("no encoder in this build")
	}
	return b
}

func TestFastBlock(t *testing.T) {
	text := []byte(strings.Repeat("milk and bread; ", 10_000))
	packed, ok := zstd.Compress([]byte("before"), text, true)
	if !ok {
		t.Skip("no encoder in this build")
	}
	frame, found := bytes.CutPrefix(packed, []byte("before"))
	if got, err := zstd.Decompress(nil, frame, len(text)); !found || err != nil || !bytes.Equal(got, text) || len(frame) > len(text)/100 {
		t.Errorf("%d bytes became %d, and came back as %d: %v", len(text), len(frame), len(got), err)
	}
}

func TestBlock(t *testing.T) {
	text := []byte(strings.Repeat("milk and bread; ", 10_000))
	packed := compress(t, text)
	if len(packed) > len(text)/100 {
		t.Errorf("%d bytes became %d", len(text), len(packed))
	}
	got, err := zstd.Decompress(nil, packed, len(text))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes came back as %d, %v", len(text), len(got), err)
	}
	again, err := zstd.Decompress(got, packed, len(text))
	if err != nil || &again[0] != &got[0] {
		t.Errorf("memory that was given is not used: %v", err)
	}
	for _, size := range []int{0, 1, len(text) - 1, len(text) + 1} {
		if _, err := zstd.Decompress(nil, packed, size); !errors.Is(err, zstd.ErrDamaged) {
			t.Errorf("claimed as %d bytes: %v", size, err)
		}
	}
	for _, b := range [][]byte{nil, packed[:len(packed)-1], append(bytes.Clone(packed), 0), text[:50]} {
		if _, err := zstd.Decompress(nil, b, len(text)); !errors.Is(err, zstd.ErrDamaged) {
			t.Errorf("%d bytes of something else: %v", len(b), err)
		}
	}
}

// TestBlockIsBounded gives a frame of 64 MiB a claim of 1 KiB.
func TestBlockIsBounded(t *testing.T) {
	packed := compress(t, make([]byte, 64<<20))
	if _, err := zstd.Decompress(nil, packed, 1<<10); !errors.Is(err, zstd.ErrDamaged) { // and make a decoder
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := zstd.Decompress(nil, packed, 1<<10)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 || !errors.Is(err, zstd.ErrDamaged) {
		t.Errorf("took %d bytes of memory, %v", took, err)
	}
}
