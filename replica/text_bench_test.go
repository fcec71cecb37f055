package replica_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

// paper is the keystrokes of automerge-paper, as crdt/sequence/testdata/README.md tells.
type paper struct {
	End  string `json:"endContent"`
	Txns []struct {
		Patches []keystroke `json:"patches"`
	} `json:"txns"`
}

type keystroke struct {
	pos, removed int
	text         string
}

func (k *keystroke) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&k.pos, &k.removed, &k.text})
}

func readPaper(tb testing.TB) (keys []keystroke, end string) {
	tb.Helper()
	f, err := os.Open("../crdt/sequence/testdata/automerge-paper.json.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var p paper
	if err := json.NewDecoder(z).Decode(&p); err != nil {
		tb.Fatal(err)
	}
	for _, txn := range p.Txns {
		keys = append(keys, txn.Patches...)
	}
	return keys, p.End
}

// openNormal opens a database that survives the death of the process, and not the loss of power.
func openNormal(tb testing.TB, path string) (*replica.Replica, *sqlite.Store) {
	tb.Helper()
	st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
	if err != nil {
		tb.Fatal(err)
	}
	r, err := replica.Open(tb.Context(), st, replica.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r, st
}

// typePaper types the paper, with a commit for each 100 keystrokes.
func typePaper(tb testing.TB, r *replica.Replica, keys []keystroke) {
	tb.Helper()
	ctx := context.Background()
	text := r.Text(textKey)
	for i, k := range keys {
		if err := text.Splice(ctx, k.pos, k.removed, k.text); err != nil {
			tb.Fatal(err)
		}
		if i%100 == 99 {
			if _, err := text.Commit(ctx); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if _, err := text.Commit(ctx); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTextPaper is a whole paper typed: 259,778 keystrokes.
func BenchmarkTextPaper(b *testing.B) {
	keys, _ := readPaper(b)
	for b.Loop() {
		b.StopTimer()
		path := filepath.Join(b.TempDir(), "paper.db")
		r, st := openNormal(b, path)
		b.StartTimer()
		typePaper(b, r, keys)
		b.StopTimer()
		_, _ = r.Close(), st.Close()
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(len(keys)), "B/keystroke")
		b.StartTimer()
	}
}

// BenchmarkTextOpen reads a paper in a database that was just opened.
func BenchmarkTextOpen(b *testing.B) {
	keys, end := readPaper(b)
	path := filepath.Join(b.TempDir(), "paper.db")
	r, st := openNormal(b, path)
	typePaper(b, r, keys)
	_, _ = r.Close(), st.Close()
	for b.Loop() {
		b.StopTimer()
		r, st := openNormal(b, path)
		b.StartTimer()
		if got, err := r.Text(textKey).String(b.Context()); err != nil || got != end {
			b.Fatalf("%d bytes, %v", len(got), err)
		}
		b.StopTimer()
		_, _ = r.Close(), st.Close()
		b.StartTimer()
	}
}

// BenchmarkTextKeystroke types into a text of a megabyte, each keystroke its own commit.
func BenchmarkTextKeystroke(b *testing.B) {
	r, st := openNormal(b, filepath.Join(b.TempDir(), "large.db"))
	defer func() { _, _ = r.Close(), st.Close() }()
	ctx := b.Context()
	text := r.Text(textKey)
	if err := text.Insert(ctx, 0, strings.Repeat("0123456789abcdef", 1<<16)); err != nil {
		b.Fatal(err)
	}
	for pos := 500_000; b.Loop(); pos++ {
		if err := text.Insert(ctx, pos, "x"); err != nil {
			b.Fatal(err)
		}
		if _, err := text.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
