package pack_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
)

// The benchmarks' data. Each is made once; a version is 1 op unless it is said otherwise.
var (
	oneAuthor   = sync.OnceValue(makeOneAuthor)
	twoAuthors  = sync.OnceValue(makeTwoAuthors)
	manyAuthors = sync.OnceValue(makeManyAuthors)
	keystrokes  = sync.OnceValue(makeKeystrokes)
)

// day is a wall clock that moves on by up to two seconds, or not at all, before each version.
type day struct {
	*rand.Rand
	wall int64
}

func newDay(seed uint64) *day {
	return &day{Rand: rand.New(rand.NewPCG(seed, seed)), wall: 1_764_000_000_000}
}

func (d *day) after(t clock.Time) clock.Time {
	if d.IntN(8) > 0 {
		d.wall += int64(d.IntN(2000))
	}
	return clock.Next(d.wall, t)
}

// makeOneAuthor is 100,000 versions of 20,000 keys with JSON values of 56 bytes.
func makeOneAuthor() []history.Version {
	r := newDay(1)
	words := []string{"milk", "bread", "letter", "garden", "winter", "meeting", "report", "planet", "orange", "silver"}
	w := &writer{author: author(0)}
	versions := make([]history.Version, 100_000)
	for i := range versions {
		w.time = r.after(w.time)
		value := fmt.Sprintf(`{"title":%q,"done":%t,"n":%d,"tag":%q}`, words[r.IntN(10)]+" "+words[r.IntN(10)],
			r.IntN(2) == 0, r.IntN(100_000), words[r.IntN(10)])
		versions[i] = w.make(nil, history.Meta{}, put(fmt.Sprintf("notes/%05d", r.IntN(20_000)), value))
	}
	return versions
}

// makeTwoAuthors is 20,000 small versions of two authors that hear of each other now and then.
func makeTwoAuthors() []history.Version {
	r := newDay(2)
	pair := []*writer{{author: author(0)}, {author: author(1)}}
	versions := make([]history.Version, 20_000)
	for i := range versions {
		w, other := pair[i%2], pair[1-i%2]
		if r.IntN(4) > 0 {
			w, other = other, w
		}
		var deps []history.Ref
		if r.IntN(20) == 0 && other.tip.Seq > 0 {
			deps, w.time = []history.Ref{other.tip}, max(w.time, other.time)
		}
		w.time = r.after(w.time)
		versions[i] = w.make(deps, history.Meta{}, history.Op{Op: must(crdt.Add(fmt.Sprintf("stats/%d", r.IntN(100)), int64(r.IntN(50))))})
	}
	return versions
}

// makeManyAuthors is 1,000 authors with 20 versions each, in the order of their times.
func makeManyAuthors() []history.Version {
	r := newDay(3)
	writers := make([]*writer, 1000)
	for i := range writers {
		writers[i] = &writer{author: author(i)}
		for k := range writers[i].author[2:] {
			writers[i].author[2+k] = byte(r.Uint32())
		}
	}
	var versions []history.Version
	for range 20 {
		r.Shuffle(len(writers), func(i, j int) { writers[i], writers[j] = writers[j], writers[i] })
		for _, w := range writers {
			w.time = r.after(w.time)
			versions = append(versions, w.make(nil, history.Meta{}, put(fmt.Sprintf("votes/%d", r.IntN(500)), fmt.Sprintf(`{"choice":%d}`, r.IntN(4)))))
		}
	}
	return versions
}

// makeKeystrokes is a recorded writing of a paper, 100,000 keystrokes from its middle, each a version.
func makeKeystrokes() []history.Version {
	f := must(os.Open("../../crdt/sequence/testdata/automerge-paper.json.gz"))
	defer f.Close()
	var trace struct {
		Txns []struct{ Patches [][3]any }
	}
	if err := json.NewDecoder(must(gzip.NewReader(f))).Decode(&trace); err != nil {
		panic(err)
	}
	r := newDay(4)
	w := &writer{author: author(0)}
	versions := make([]history.Version, 0, 100_000)
	for _, txn := range trace.Txns[50_000:] {
		for _, p := range txn.Patches {
			w.time = r.after(w.time)
			versions = append(versions, w.make(nil, history.Meta{}, splice("docs/paper", int(p[0].(float64)), int(p[1].(float64)), p[2].(string))))
		}
		if len(versions) >= cap(versions) {
			break
		}
	}
	return versions
}

var datasets = []struct {
	name     string
	versions func() []history.Version
}{
	{"one", oneAuthor}, {"two", twoAuthors}, {"many", manyAuthors}, {"text", keystrokes},
}

func values(versions []history.Version) (n int) {
	for i := range versions {
		for _, op := range versions[i].Ops() {
			n += len(op.Body)
		}
	}
	return n
}

// BenchmarkEncode is writing one version into a pack. It reports the size of a version: compressed, as it is, and without
// the bodies of its ops.
func BenchmarkEncode(b *testing.B) {
	for _, data := range datasets {
		for _, plain := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/plain=%t", data.name, plain), func(b *testing.B) {
				versions := data.versions()
				n := len(versions)
				var e pack.Encoder
				out := must(e.Append(nil, versions, pack.Options{Plain: plain}))
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N/n + 1 {
					out = must(e.Append(out[:0], versions, pack.Options{Plain: plain}))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64((b.N/n+1)*n), "ns/op")
				b.ReportMetric(float64(len(out))/float64(n), "B/version")
				if plain {
					b.ReportMetric(float64(len(out)-values(versions))/float64(n), "meta-B/version")
				}
			})
		}
	}
}

// BenchmarkDecode is reading, checking and hashing one version of a pack.
func BenchmarkDecode(b *testing.B) {
	for _, data := range datasets {
		for _, plain := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/plain=%t", data.name, plain), func(b *testing.B) {
				versions := data.versions()
				packed := must(pack.Encode(nil, versions, pack.Options{Plain: plain}))
				var d pack.Decoder
				must(scan(&d, packed))
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; {
					if err := d.Reset(testSpace, packed); err != nil {
						b.Fatal(err)
					}
					for ; i < b.N; i++ {
						if _, err := d.Next(); err != nil {
							if err != io.EOF {
								b.Fatal(err)
							}
							break
						}
					}
				}
			})
		}
	}
}

// BenchmarkReader is what a version costs a reader of packs of 8,192 versions, by what is asked of it: to open a pack, to compute
// the ids, to give any one version; and what finding a key costs.
func BenchmarkReader(b *testing.B) {
	const n = 8192
	versions := oneAuthor()[:n]
	packed := must(pack.Encode(nil, versions, pack.Options{}))
	r := must(pack.Open(testSpace, packed))
	each := func(b *testing.B, work func()) {
		b.ReportAllocs()
		for range b.N/n + 1 {
			work()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64((b.N/n+1)*n), "ns/op")
	}
	b.Run("open", func(b *testing.B) { each(b, func() { must(pack.Open(testSpace, packed)) }) })
	b.Run("ids", func(b *testing.B) { each(b, func() { must(r.IDs()) }) })
	b.Run("version", func(b *testing.B) {
		for i := range b.N {
			r.Bare(i * 31 % n)
		}
	})
	b.Run("key", func(b *testing.B) {
		for i := range b.N {
			for _, op := range versions[i*31%n].Ops() {
				r.Touching(op.Key)
			}
		}
	})
}
