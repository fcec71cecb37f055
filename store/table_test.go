package store_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/store"
)

func TestTableNames(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range store.Tables() {
		name := table.String()
		if name == "unknown" || name == "" || seen[name] {
			t.Errorf("table %d is called %q", table, name)
		}
		seen[name] = true
	}
	if got := store.Table(len(store.Tables())).String(); got != "unknown" {
		t.Errorf("the table after the last is called %q", got)
	}
}

func TestCheckKey(t *testing.T) {
	tests := []struct {
		table store.Table
		key   []byte
		good  bool
	}{
		{store.Runs, store.IntKey(0), true},
		{store.Runs, store.IntKey(store.MaxInt), true},
		{store.Runs, store.IntKey(store.MaxInt + 1), false},
		{store.Runs, []byte("short"), false},
		{store.Runs, nil, false},
		{store.Docs, []byte{0}, true},
		{store.Docs, make([]byte, store.MaxKey), true},
		{store.Docs, make([]byte, store.MaxKey+1), false},
		{store.Docs, nil, false},
		{store.Table(200), []byte("k"), false},
	}
	for _, test := range tests {
		err := store.CheckKey(test.table, test.key)
		if (err == nil) != test.good || err != nil && !errors.Is(err, store.ErrKey) {
			t.Errorf("CheckKey(%s, %d bytes) = %v; good: %v", test.table, len(test.key), err, test.good)
		}
	}
}

func drawNumber(rt *rapid.T) uint64 {
	return rapid.OneOf(
		rapid.Uint64Max(store.MaxInt), rapid.Uint64Max(300), rapid.Uint64Range(store.MaxInt-3, store.MaxInt),
	).Draw(rt, "number")
}

func TestIntKeysSortAsNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawNumber(rt), drawNumber(rt)
		if (a < b) != (bytes.Compare(store.IntKey(a), store.IntKey(b)) < 0) || store.KeyInt(store.IntKey(a)) != a {
			rt.Fatalf("%d and %d", a, b)
		}
	})
}

// TestIntBound holds IntBound to its definition: a key is below the bound if and only if its number is.
func TestIntBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := drawNumber(rt)
		bound := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 10),
			rapid.Custom(func(rt *rapid.T) []byte { return store.IntKey(drawNumber(rt)) }),
			rapid.Just(store.After(store.IntKey(n))),
			rapid.Just(store.PrefixEnd(store.IntKey(n))),
			rapid.Just(bytes.Repeat([]byte{0xff}, 9)),
		).Draw(rt, "bound")
		limit := store.IntBound(bound)
		if below := bytes.Compare(store.IntKey(n), bound) < 0; below != (n < limit) {
			rt.Fatalf("IntBound(%x) = %d, but the key of %d being below the bound is %v", bound, limit, n, below)
		}
		if limit > math.MaxInt64+1 {
			rt.Fatalf("IntBound(%x) = %d", bound, limit)
		}
	})
}

func TestAfterAndPrefixEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		octets := rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff}))
		a, b := octets.Draw(rt, "a"), octets.Draw(rt, "b")
		if (bytes.Compare(b, a) > 0) != (bytes.Compare(b, store.After(a)) >= 0) {
			rt.Fatalf("After(%x) = %x is on the wrong side of %x", a, store.After(a), b)
		}
		end := store.PrefixEnd(a)
		inside := bytes.Compare(b, a) >= 0 && (end == nil || bytes.Compare(b, end) < 0)
		if inside != bytes.HasPrefix(b, a) {
			rt.Fatalf("PrefixEnd(%x) = %x; %x has the prefix: %v, is in the range: %v", a, end, b, bytes.HasPrefix(b, a), inside)
		}
	})
}
