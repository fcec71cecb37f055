package memory_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// batch is the number of rows that a benchmarked transaction writes.
const batch = 1000

// docKey is a key of Docs as a replica makes them; equal n give equal keys, neighbours lie far apart.
func docKey(buf []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(buf[:0], "notes/"...), n*0x9e3779b97f4a7c15)
}

func BenchmarkPutAscending(b *testing.B) {
	s := memory.New()
	value := make([]byte, 56)
	for n := 0; n < b.N; n += batch {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for i := n; i < min(n+batch, b.N); i++ {
				if err := tx.Put(store.Runs, store.IntKey(uint64(i)), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutDocs(b *testing.B) {
	const keys = 100_000
	s := memory.New()
	value, key := make([]byte, 120), make([]byte, 0, 64)
	for n := 0; n < b.N; n += batch {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for i := n; i < min(n+batch, b.N); i++ {
				key = docKey(key, uint64(i%keys))
				if err := tx.Put(store.Docs, key, value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateOneRow(b *testing.B) {
	s := filled(b, 100_000)
	value, key := make([]byte, 120), make([]byte, 0, 64)
	for i := range b.N {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			key = docKey(key, uint64(i%100_000))
			return tx.Put(store.Docs, key, value)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetOne(b *testing.B) {
	s := filled(b, 100_000)
	key := make([]byte, 0, 64)
	for b.Loop() {
		key = docKey(key, rand.Uint64N(100_000))
		if _, err := s.GetOne(context.Background(), store.Docs, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetInts(b *testing.B) {
	s := filled(b, 100_000)
	key := make([]byte, 8)
	err := s.View(context.Background(), func(tx store.Tx) error {
		for b.Loop() {
			binary.BigEndian.PutUint64(key, rand.Uint64N(100_000))
			if _, err := tx.Get(store.Runs, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkScan(b *testing.B) {
	s := filled(b, 100_000)
	for b.Loop() {
		err := s.View(context.Background(), func(tx store.Tx) error {
			for _, err := range tx.Scan(store.Docs, store.Range{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}

func filled(b *testing.B, rows uint64) *memory.Store {
	b.Helper()
	s := memory.New()
	err := s.Update(context.Background(), func(tx store.Tx) error {
		for i := range rows {
			if err := tx.Put(store.Runs, store.IntKey(i), make([]byte, 56)); err != nil {
				return err
			}
			if err := tx.Put(store.Docs, docKey(nil, i), make([]byte, 120)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}
