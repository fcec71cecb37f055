package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// The benchmarks come in pairs: Store is this package, Raw is the same driver under database/sql, with the same
// pragmas and prepared statements, as one would write it without this package. Compare only within one run.

var (
	benchValue = []byte(`{"title":"a note","done":false,"count":12345,"tag":"x"}`) // 56 bytes
	benchRun   = make([]byte, 100)
)

func benchDoc(seq uint64) []byte {
	doc := store.Doc{
		Kind: "register", Value: benchValue, Author: 1, Seq: seq, Time: 1_764_000_000_000 << 16, Strategy: "lww/1",
		Last: seq, Count: 1,
	}
	return doc.Append(nil)
}

func benchKey(n uint64) []byte { return fmt.Appendf(nil, "notes/%012d", n) }

func benchOpen(b *testing.B, opts ...Option) *Store {
	b.Helper()
	s, err := Open(filepath.Join(b.TempDir(), "bench.db"), opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// benchCommits writes what a replica writes for one version: a run, the document, a fact.
func benchCommits(b *testing.B, s *Store) {
	n := uint64(0)
	tip := []byte("tip")
	for b.Loop() {
		n++
		check(b, s.Update(context.Background(), func(tx store.Tx) error {
			if err := tx.Put(store.Runs, store.IntKey(n), benchRun); err != nil {
				return err
			}
			if err := tx.Put(store.Docs, benchKey(n), benchDoc(n)); err != nil {
				return err
			}
			return tx.Put(store.Meta, tip, binary.BigEndian.AppendUint64(nil, n))
		}))
	}
}

func BenchmarkCommitFullStore(b *testing.B)   { benchCommits(b, benchOpen(b)) }
func BenchmarkCommitNormalStore(b *testing.B) { benchCommits(b, benchOpen(b, Durability(Normal))) }

// benchBatch is the number of documents of a batch transaction; each has a run beside it.
const benchBatch = 1000

func BenchmarkBatchStore(b *testing.B) {
	s := benchOpen(b)
	n := uint64(0)
	for b.Loop() {
		check(b, s.Update(context.Background(), func(tx store.Tx) error {
			for range benchBatch {
				n++
				if err := tx.Put(store.Docs, benchKey(n), benchDoc(n)); err != nil {
					return err
				}
				if err := tx.Put(store.Runs, store.IntKey(n), benchRun); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkScatteredDocs overwrites documents all over a database of 100,000: what the caches are for.
func BenchmarkScatteredDocs(b *testing.B) {
	s := benchOpen(b)
	benchFill(b, s, 100_000)
	for b.Loop() {
		check(b, s.Update(context.Background(), func(tx store.Tx) error {
			for range benchBatch {
				n := rand.Uint64N(100_000)
				if err := tx.Put(store.Docs, benchKey(n), benchDoc(n)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

func benchFill(b *testing.B, s *Store, rows uint64) {
	b.Helper()
	check(b, s.Update(context.Background(), func(tx store.Tx) error {
		for n := range rows {
			if err := tx.Put(store.Docs, benchKey(n), benchDoc(n)); err != nil {
				return err
			}
			if err := tx.Put(store.Runs, store.IntKey(n), benchRun); err != nil {
				return err
			}
		}
		return nil
	}))
}

func BenchmarkGetDocStore(b *testing.B) {
	s := benchOpen(b)
	benchFill(b, s, 10_000)
	for b.Loop() {
		_, err := s.GetOne(context.Background(), store.Docs, benchKey(rand.Uint64N(10_000)))
		check(b, err)
	}
}

func BenchmarkGetRunStore(b *testing.B) {
	s := benchOpen(b)
	benchFill(b, s, 10_000)
	for b.Loop() {
		_, err := s.GetOne(context.Background(), store.Runs, store.IntKey(rand.Uint64N(10_000)))
		check(b, err)
	}
}

func BenchmarkViewStore(b *testing.B) {
	s := benchOpen(b)
	for b.Loop() {
		check(b, s.View(context.Background(), func(store.Tx) error { return nil }))
	}
}

func BenchmarkScanDocsStore(b *testing.B) {
	s := benchOpen(b)
	benchFill(b, s, 10_000)
	for b.Loop() {
		check(b, s.View(context.Background(), func(tx store.Tx) error {
			for _, err := range tx.Scan(store.Docs, store.Range{}) {
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
}
