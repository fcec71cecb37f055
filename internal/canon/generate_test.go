package canon_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

// trees draws application data: nil, bool, int64, float64, string, []byte, []any and map[string]any, biased towards
// the edges of every form.
func trees(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.SampledFrom([]int64{
			0, 1, 127, 128, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, canon.MaxInteger, -1, -32, -33, -128, -129, -32768, -32769,
			-1 << 31, -1<<31 - 1, -canon.MaxInteger,
		}).AsAny(),
		rapid.Int64Range(-canon.MaxInteger, canon.MaxInteger).AsAny(),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, 0.5, 1 << 53, -1 << 53, 1e20, 1e21, 1e-6, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, canon.MaxInteger,
		}).AsAny(),
		rapid.Float64().AsAny(),
		texts().AsAny(),
		rapid.SliceOfN(rapid.Byte(), 0, 40).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := trees(depth - 1)
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(inner, 0, 20).AsAny(),
		rapid.MapOfN(texts(), inner, 0, 20).AsAny())...)
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringN(30, 34, -1),
		rapid.SampledFrom([]string{"", "$bytes", "AAAA", "a", "\u2028", "\ufffd", "\x00", "\"\\/<>&\n", "😀"}),
	)
}

// build makes the Value of a tree by the constructors. A map that is the text of bytes is built as those bytes, as
// FromJSON would.
func build(t fataler, tree any) canon.Value {
	t.Helper()
	var v canon.Value
	var err error
	switch x := tree.(type) {
	case nil:
		v = canon.Null()
	case bool:
		v = canon.Bool(x)
	case int64:
		v, err = canon.Int(x)
	case float64:
		v, err = canon.Float(x)
	case string:
		v, err = canon.String(x)
	case []byte:
		v = canon.Bytes(x)
	case []any:
		elements := make([]canon.Value, len(x))
		for i, e := range x {
			elements[i] = build(t, e)
		}
		v, err = canon.NewArray(elements)
	case map[string]any:
		if b, ok := spelledBytes(x); ok {
			return canon.Bytes(b)
		}
		var entries []canon.Entry
		for key, e := range x {
			entries = append(entries, canon.Entry{Key: key, Value: build(t, e)})
		}
		v, err = canon.NewMap(entries)
	default:
		t.Fatalf("no tree: %T", tree)
	}
	if err != nil {
		t.Fatalf("building %#v: %v", tree, err)
	}
	return v
}

func spelledBytes(m map[string]any) ([]byte, bool) {
	s, ok := m["$bytes"].(string)
	if !ok || len(m) != 1 {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil && base64.StdEncoding.EncodeToString(b) == s
}

// fataler is what testing and rapid have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// equalTrees compares data as an application would: numbers by value, whatever their Go type.
func equalTrees(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalTrees(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key := range x {
			if _, there := y[key]; !there || !equalTrees(x[key], y[key]) {
				return false
			}
		}
		return true
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return a == b
}

// number converts exactly: every integer of a tree lies within ±(2^53−1).
func number(x any) (float64, bool) {
	switch n := x.(type) {
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func mustJSON(t testing.TB, text string) canon.Value {
	t.Helper()
	v, err := canon.FromJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
