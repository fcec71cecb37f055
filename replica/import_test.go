package replica_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// numbered yields n records of about size bytes.
func numbered(n, size int) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		filler := strings.Repeat("x", size)
		for i := range n {
			if !yield(fmt.Sprintf("movies/%06d", i), object{"n": i, "text": filler}) {
				return
			}
		}
	}
}

func TestImport(t *testing.T) {
	for _, c := range []struct{ records, size, versions int }{
		{0, 0, 0}, {1, 0, 1}, {100, 10, 1}, {3000, 1000, 3}, {70_000, 0, 3}, {3, 1_000_000, 3},
	} {
		p := newPair(t)
		rep, err := p.a.Import(t.Context(), numbered(c.records, c.size), replica.Message("films"))
		p.ok(err)
		if rep.Records != c.records || rep.Versions != c.versions {
			t.Errorf("%d records of %d bytes: %+v, want %d versions", c.records, c.size, rep, c.versions)
		}
		if c.records == 0 {
			continue
		}
		p.sync()
		for _, r := range []*replica.Replica{p.a, p.b} {
			spaces, err := r.Namespaces(t.Context())
			p.ok(err)
			if len(spaces) != 1 || spaces[0].Keys != c.records {
				t.Errorf("%d records: namespaces %+v", c.records, spaces)
			}
		}
		versions := 0
		for e, err := range p.b.Log(t.Context(), "") {
			p.ok(err)
			if versions++; e.Message != "films" || versions == 1 && e.Stamp != rep.Last.Stamp {
				t.Errorf("version %s: message %q, the last is %s", e.Version, e.Message, rep.Last)
			}
		}
		if versions != c.versions {
			t.Errorf("%d records: the log has %d versions, want %d", c.records, versions, c.versions)
		}
	}
}

// TestImportFills: records that just fill a version, and those that just do not, whatever the namespace keeps apart.
func TestImportFills(t *testing.T) {
	for _, c := range []struct {
		erasable bool
		sizes    []int
	}{{false, []int{20, 52_000, 349_000, 524_000, 1_043_000}}, {true, []int{400, 52_000, 524_000}}} {
		for _, size := range c.sizes {
			p := newPair(t)
			if c.erasable {
				p.do(p.a.SetSettings(t.Context(), "movies", replica.Settings{Erasable: true}))
			}
			records := 1<<20/(size+24) + 2
			rep, err := p.a.Import(t.Context(), numbered(records, size), replica.Message(strings.Repeat("m", 1000)))
			if err != nil || rep.Versions < 2 {
				t.Errorf("erasable %t, size %d: %+v, %v", c.erasable, size, rep, err)
			}
		}
	}
}

// TestImportIsSet: an import leaves what Set of each pair leaves.
func TestImportIsSet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		strategy := rapid.SampledFrom([]string{"lww", "fields"}).Draw(rt, "strategy")
		var replicas [2]*replica.Replica
		for i := range replicas {
			r, err := replica.Open(rt.Context(), memory.New(), replica.Options{})
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := r.SetSettings(rt.Context(), "n", replica.Settings{Strategy: strategy}); err != nil {
				rt.Fatal(err)
			}
			if _, err := r.Set(rt.Context(), "n/1", object{"a": 0, "b": 0}); err != nil {
				rt.Fatal(err)
			}
			replicas[i] = r
		}
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"n/1", "n/2", "m/1"}), 0, 8).Draw(rt, "keys")
		values := make([]map[string]int, len(keys))
		for i, key := range keys {
			values[i] = rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.IntRange(0, 1), 0, 2).Draw(rt, "value")
			if _, err := replicas[0].Set(rt.Context(), key, values[i]); err != nil {
				rt.Fatal(err)
			}
		}
		rep, err := replicas[1].Import(rt.Context(), func(yield func(string, any) bool) {
			for i, key := range keys {
				if !yield(key, values[i]) {
					return
				}
			}
		})
		if err != nil || rep.Records != len(keys) {
			rt.Fatal(rep, err)
		}
		if one, all := shownTo(rt, replicas[0]), shownTo(rt, replicas[1]); one != all {
			rt.Fatalf("Set leaves\n%sImport leaves\n%s", one, all)
		}
	})
}

func TestImportAllOrNothing(t *testing.T) {
	for name, c := range map[string]struct {
		pairs map[string]any
		want  error
		names string
	}{
		"bad key":    {map[string]any{"movies": 1}, crdt.ErrKey, `"movies"`},
		"reserved":   {map[string]any{".tag/x": 1}, replica.ErrReserved, `".tag/x"`},
		"wrong kind": {map[string]any{"stats/n": 1}, replica.ErrWrongKind, `"stats/n"`},
		"too large":  {map[string]any{"movies/big": strings.Repeat("x", 1<<20)}, replica.ErrTooLarge, `"movies/big"`},
		"no value":   {map[string]any{"movies/x": func() {}}, nil, `"movies/x"`},
	} {
		for _, records := range []int{50, beyondAhead} {
			t.Run(fmt.Sprintf("%s/%d", name, records), func(t *testing.T) {
				p := newPair(t)
				p.do(p.a.Add(t.Context(), "stats/n", 1))
				before := versionsIn(t, p.a)
				_, err := p.a.Import(t.Context(), func(yield func(string, any) bool) {
					for key, value := range numbered(records, 50_000) {
						if !yield(key, value) {
							return
						}
					}
					maps.All(c.pairs)(yield)
				})
				if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.names) {
					t.Errorf("got %v, want %v that names %s", err, c.want, c.names)
				}
				if after := versionsIn(t, p.a); after != before {
					t.Errorf("%d versions were written", after-before)
				}
				p.shows(p.a, "movies/000000", ``)
				p.do(p.a.Set(t.Context(), "movies/x", 1)) // the replica goes on
			})
		}
	}
}

// beyondAhead is how many records of 50,000 bytes are more than is read before the transaction begins.
const beyondAhead = 8<<20/50_000 + 30

// TestImportHurtsNobodyElse: who waits for an import, before it begins or while it waits for its source, is served when it fails.
func TestImportHurtsNobodyElse(t *testing.T) {
	p := newPair(t)
	failed := errors.New("the source failed")
	var others []chan error
	set := func(key string) {
		result, waiting := make(chan error, 1), replica.WaitingWrites(p.a)
		go func() {
			_, err := p.a.Set(context.Background(), key, 1)
			result <- err
		}()
		for replica.WaitingWrites(p.a) == waiting {
			runtime.Gosched()
		}
		others = append(others, result)
	}
	imported := make(chan error, 1)
	p.do(p.a.Update(t.Context(), func(tx *replica.Tx) error { // all wait for this one
		set("other/1")
		go func() {
			_, err := p.a.Import(context.Background(), func(yield func(string, any) bool) {
				for key, value := range numbered(beyondAhead, 50_000) {
					if !yield(key, value) {
						return
					}
				}
				set("other/3")
				yield("movies/last", failing{failed})
			})
			imported <- err
		}()
		for replica.WaitingWrites(p.a) < 2 {
			runtime.Gosched()
		}
		set("other/2")
		return tx.Set("other/0", 1)
	}))
	if err := <-imported; !errors.Is(err, failed) {
		t.Errorf("the import: %v", err)
	}
	for i, other := range others {
		if err := <-other; err != nil {
			t.Errorf("write %d of others: %v", i, err)
		}
	}
	spaces, err := p.a.Namespaces(t.Context())
	if p.ok(err); len(spaces) != 1 || spaces[0].Keys != 4 {
		t.Errorf("%+v, want the four keys that others wrote", spaces)
	}
}

// failing is a value that has no encoding.
type failing struct{ err error }

func (f failing) MarshalJSON() ([]byte, error) { return nil, f.err }

// TestImportSeesWhatItWrote: a key that comes again in a later version is changed, not written anew.
func TestImportSeesWhatItWrote(t *testing.T) {
	filler := strings.Repeat("x", 600_000)
	pairs := []struct {
		key   string
		value any
	}{
		{"n/1", object{"a": 1, "b": 1}},
		{"n/2", filler},
		{"n/3", filler},
		{"n/1", object{"a": 1, "b": 2}},
		{"n/4", filler},
		{"n/1", object{"a": 1, "b": 2}},
		{"n/5", filler},
		{"n/1", object{"b": 2}},
	}
	p := newPair(t)
	settings := replica.Settings{Strategy: "fields"}
	p.do(p.a.SetSettings(t.Context(), "n", settings))
	rep, err := p.a.Import(t.Context(), func(yield func(string, any) bool) {
		for _, pair := range pairs {
			if !yield(pair.key, pair.value) {
				return
			}
		}
	})
	p.ok(err)
	if rep.Records != len(pairs) || rep.Versions != 4 {
		t.Errorf("%+v", rep)
	}
	var ops []string
	for e, err := range p.a.Log(t.Context(), "n/1") {
		p.ok(err)
		for _, op := range e.Ops {
			ops = append(ops, op.Op+string(op.Value)+strings.Join(op.Removed, ""))
		}
	}
	if got, want := strings.Join(ops, " "), `patch{}/a patch{"/b":2} put{"a":1,"b":1}`; got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}
}

// TestImportReadsWhileItWrites: behind the first 8 MiB pairs are not gathered. They may read the replica then, not write to it.
func TestImportReadsWhileItWrites(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "other/1", 1))
	_, err := p.a.Import(t.Context(), func(yield func(string, any) bool) {
		n := 0
		for key, value := range numbered(beyondAhead, 50_000) {
			if !yield(key, value) {
				return
			}
			n++
		}
		p.shows(p.a, "other/1", `1`)
		if _, err := p.a.Set(t.Context(), "other/1", 2); !errors.Is(err, replica.ErrNested) {
			t.Errorf("a write behind %d records: %v", n, err)
		}
	})
	p.ok(err)
	p.shows(p.a, "movies/000001", fmt.Sprintf(`{"n":1,"text":%q}`, strings.Repeat("x", 50_000)))
}

func versionsIn(t *testing.T, r *replica.Replica) int {
	t.Helper()
	n := 0
	for _, err := range r.Log(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestImportCancelled: the context ends an import while it reads.
func TestImportCancelled(t *testing.T) {
	p := newPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	_, err := p.a.Import(ctx, func(yield func(string, any) bool) {
		for key, value := range numbered(1000, 0) {
			if read++; read == 10 {
				cancel()
			}
			if !yield(key, value) {
				return
			}
		}
	})
	if !errors.Is(err, context.Canceled) || read > 10 {
		t.Errorf("%v after %d records, want context.Canceled after 10", err, read)
	}
	p.shows(p.a, "movies/000000", ``)
}

func BenchmarkImport(b *testing.B) {
	const records = 100_000
	for b.Loop() {
		r, err := replica.Open(b.Context(), memory.New(), replica.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Import(b.Context(), numbered(records, 100)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
