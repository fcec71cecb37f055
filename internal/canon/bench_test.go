package canon_test

import (
	"testing"

	"github.com/kdelta/kdelta/internal/canon"
)

// document is a small JSON-like map, as applications store.
func document(t testing.TB) canon.Value {
	return mustJSON(t, `{"id":"01HZX3V9QK5W","title":"Buy oat milk","done":false,"tags":["home","errand"],"priority":2,
		"created":1717171717171,"position":0.4375,"author":{"name":"Ada","device":"laptop"},"note":null,
		"body":"Two litres, the one in the blue carton, and ask whether they have the barista kind."}`)
}

func BenchmarkReadValue(b *testing.B) {
	item := document(b)
	b.SetBytes(int64(len(item)))
	for b.Loop() {
		r := canon.NewReader(item)
		if _, err := r.Value(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromJSON(b *testing.B) {
	text := document(b).AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canon.FromJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	item := document(b)
	text := item.AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		text = item.AppendJSON(text[:0])
	}
}

func BenchmarkCompare(b *testing.B) {
	item := document(b)
	other := mustJSON(b, `{"id":"01HZX3V9QK5W","title":"Buy oat milk","z":1}`)
	b.ReportAllocs()
	for b.Loop() {
		canon.Compare(item, other)
	}
}
