package history_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

var testSpace = identity.Space{0x5a}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func put(key, json string) history.Op {
	return history.Op{Op: must(crdt.Put(key, must(canon.FromJSON([]byte(json)))))}
}

func detached(key, json string, salt byte) history.Op {
	op := put(key, json)
	op.Detached = &history.Detached{Salt: [history.SaltSize]byte{salt}}
	return op
}

// writer makes versions of one author, each after the one before.
type writer struct {
	author identity.Author
	tip    history.Ref
	time   clock.Time
}

func (w *writer) write(deps []history.Ref, ops ...history.Op) history.Version {
	w.time += 1 << 16
	v := must(history.New(history.Draft{
		Space: testSpace, Author: w.author, Prev: w.tip, Deps: deps, Time: w.time, Ops: ops,
	}))
	w.tip = v.Ref()
	return v
}

// same compares versions; nil and empty slices are equal.
func same(a, b *history.Version) bool {
	return a.ID == b.ID && a.Author == b.Author && a.Seq == b.Seq && a.Width == b.Width && a.Prev == b.Prev &&
		a.Time == b.Time && slices.Equal(a.Deps, b.Deps) && bytes.Equal(a.Payload, b.Payload) &&
		slices.EqualFunc(a.Contents, b.Contents, func(x, y history.Content) bool {
			return x.Op == y.Op && x.Salt == y.Salt && bytes.Equal(x.Body, y.Body)
		})
}

// drawRun draws versions of several authors, with parents in and outside of those, forks, and detached contents.
func drawRun(t *rapid.T) []history.Version {
	var writers []*writer
	for i := range rapid.IntRange(1, 4).Draw(t, "authors") {
		writers = append(writers, &writer{author: author(i)})
	}
	var all []history.Version
	for range rapid.IntRange(1, 30).Draw(t, "versions") {
		w := writers[rapid.IntRange(0, len(writers)-1).Draw(t, "writer")]
		if rapid.IntRange(0, 9).Draw(t, "fork") == 0 {
			fork := *w
			w = &fork
			writers = append(writers, w)
		}
		var deps []history.Ref
		for range rapid.IntRange(0, 2).Draw(t, "deps") {
			if len(all) == 0 {
				break
			}
			ref := all[rapid.IntRange(0, len(all)-1).Draw(t, "dep")].Ref()
			if ref.ID != w.tip.ID && !slices.Contains(deps, ref) {
				deps = append(deps, ref)
			}
		}
		var ops []history.Op
		for range rapid.IntRange(0, 3).Draw(t, "ops") {
			key := rapid.SampledFrom([]string{"notes/1", "notes/ü", "a/b/c"}).Draw(t, "key")
			if rapid.Bool().Draw(t, "detached") {
				ops = append(ops, detached(key, `{"a":1}`, byte(len(all))))
			} else {
				ops = append(ops, put(key, `[1,2.5,"x",null]`))
			}
		}
		all = append(all, w.write(deps, ops...))
	}
	return all
}

// TestUnhashed reads a run without hashing: all but the ids is there, and the ids that the run states.
func TestUnhashed(t *testing.T) {
	hashed, unhashed := new(history.Decoder), &history.Decoder{Unhashed: true}
	rapid.Check(t, func(t *rapid.T) {
		all := drawRun(t)
		b := must(history.EncodeRun(all[rapid.IntRange(0, len(all)-1).Draw(t, "from"):]))
		if err := errors.Join(hashed.Reset(testSpace, b), unhashed.Reset(testSpace, b)); err != nil {
			t.Fatal(err)
		}
		inside := make(map[history.ID]bool)
		for range hashed.Len() {
			want := must(hashed.Next()).Clone()
			inside[want.ID] = true
			got := must(unhashed.Next())
			if want.ID = (history.ID{}); inside[want.Prev] && got.Prev.IsZero() {
				want.Prev = history.ID{}
			}
			stated := slices.DeleteFunc(slices.Clone(got.Deps), func(d history.Ref) bool { return d.ID.IsZero() })
			for i := range want.Deps {
				if d := &want.Deps[i]; !inside[d.ID] && !slices.Contains(stated, *d) {
					t.Fatalf("%+v does not state %+v", got.Deps, d)
				}
			}
			if len(got.Deps) != len(want.Deps) {
				t.Fatalf("%d parents, want %d", len(got.Deps), len(want.Deps))
			}
			if want.Deps = got.Deps; !same(got, &want) {
				t.Fatalf("%+v, want %+v", got, want)
			}
		}
		if _, err := unhashed.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

// TestRunRoundTrip encodes any part of any versions and reads the same versions, with the same ids, from the bytes.
func TestRunRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawRun(t)
		from := rapid.IntRange(0, len(all)-1).Draw(t, "from")
		part := all[from:]
		b, err := history.EncodeRun(part)
		if err != nil {
			t.Fatal(err)
		}
		got, err := history.DecodeRun(testSpace, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(part) {
			t.Fatalf("%d versions, want %d", len(got), len(part))
		}
		for i := range got {
			if !same(&got[i], &part[i]) {
				t.Fatalf("version %d: %+v, want %+v", i, got[i], part[i])
			}
			if err := got[i].Check(); err != nil {
				t.Fatal(err)
			}
		}
		again, err := history.EncodeRun(got)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encoded again: %x, want %x (%v)", again, b, err)
		}
	})
}

// TestRunIsSelfContained checks what a run claims about the versions outside of it.
func TestRunIsSelfContained(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	v1 := a.write(nil, put("n/1", "1"))
	v2 := b.write([]history.Ref{v1.Ref()}, put("n/1", "2"))
	v3 := a.write(nil, put("n/1", "3"))
	v4 := b.write([]history.Ref{v3.Ref()}, put("n/2", "4"))
	run := must(history.EncodeRun([]history.Version{v2, v3, v4}))
	var d history.Decoder
	if err := d.Reset(testSpace, run); err != nil {
		t.Fatal(err)
	}
	befores := []history.Ref{{Author: author(1), ID: history.Genesis(testSpace, author(1))}, v1.Ref()}
	if !slices.Equal(d.Befores(), befores) {
		t.Errorf("befores %v, want %v", d.Befores(), befores)
	}
	if !slices.Equal(d.Externals(), []history.Ref{v1.Ref()}) {
		t.Errorf("externals %v, want %v", d.Externals(), v1.Ref())
	}
	if err := d.Reset(identity.Space{1}, run); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); !errors.Is(err, history.ErrInvalid) || fault(err) != history.FaultParents {
		t.Errorf("a run of another space: %v", err)
	}
}

func fault(err error) history.Fault {
	var invalid *history.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Fault
	}
	return 0
}

// TestBadVersionHarmsOnlyItsDescendants breaks one payload of a run and reads the rest.
func TestBadVersionHarmsOnlyItsDescendants(t *testing.T) {
	a, b, c := &writer{author: author(0)}, &writer{author: author(1)}, &writer{author: author(2)}
	v1, v2 := a.write(nil, put("n/1", `"broken"`)), b.write(nil, put("n/2", "2"))
	v3 := a.write(nil, put("n/3", "3"))
	v4 := c.write([]history.Ref{v1.Ref()}, put("n/4", "4"))
	v5 := b.write(nil, put("n/5", "5"))
	run := must(history.EncodeRun([]history.Version{v1, v2, v3, v4, v5}))
	at := bytes.Index(run, []byte("broken"))
	run[at] = 0xff // no UTF-8 any more
	var d history.Decoder
	if err := d.Reset(testSpace, run); err != nil {
		t.Fatal(err)
	}
	want := []history.Fault{history.FaultOp, 0, history.FaultAncestor, history.FaultAncestor, 0}
	for i, w := range want {
		v, err := d.Next()
		if fault(err) != w || err != nil && !errors.Is(err, history.ErrInvalid) {
			t.Errorf("version %d: %v, want fault %v", i, err, w)
		}
		if wrote := []history.Version{v1, v2, v3, v4, v5}[i]; w == 0 && v.ID != wrote.ID {
			t.Errorf("version %d has another id", i)
		}
	}
	if _, err := d.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

// TestContents keeps, erases and forges the content of a detached op.
func TestContents(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, put("n/1", "1"), detached("n/2", `"secret"`, 7))
	if bytes.Contains(v.Payload, []byte("secret")) {
		t.Error("the payload holds what was detached")
	}
	body := func(v *history.Version) []byte {
		for i, op := range v.Ops() {
			if i == 1 {
				return op.Body
			}
		}
		return nil
	}
	if got := canon.Value(body(&v)).AppendJSON(nil); string(got) != `"secret"` {
		t.Errorf("body %s", got)
	}
	erased := v.Clone()
	erased.Contents = nil
	read := must(history.DecodeRun(testSpace, must(history.EncodeRun([]history.Version{erased}))))
	if read[0].ID != v.ID || body(&read[0]) != nil {
		t.Errorf("erased: %+v", read[0])
	}
	for _, op := range read[0].Ops() {
		if op.Detached != nil && (op.Detached.Length != 7 || op.Key != "n/2") {
			t.Errorf("what is left of the op: %+v", op)
		}
	}
	forged := v.Clone()
	forged.Contents[0].Body = canon.AppendString(nil, "forged")
	var d history.Decoder
	if err := d.Reset(testSpace, must(history.EncodeRun([]history.Version{forged}))); err != nil {
		t.Fatal(err)
	}
	got, err := d.Next()
	if !errors.Is(err, history.ErrContent) || errors.Is(err, history.ErrInvalid) || got.ID != v.ID || len(got.Contents) != 0 {
		t.Errorf("forged content: %v", err)
	}
}

// TestContentThatIsNoBody has a content with the right hash that no put can have, beside a sound one.
func TestContentThatIsNoBody(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, detached("n/1", `"xy"`, 1), detached("n/2", `"yz"`, 2))
	bad := []byte{0xca, 0, 0} // as long as the real one, the start of a 32-bit float
	forged := v.Clone()
	forged.Contents[0].Body = bad
	salted := func(body []byte) []byte { return append(slices.Clone(v.Contents[0].Salt[:]), body...) }
	was, is := sha256.Sum256(salted(v.Contents[0].Body)), sha256.Sum256(salted(bad))
	forged.Payload = bytes.Replace(v.Payload, was[:], is[:], 1)
	var d history.Decoder
	if err := d.Reset(testSpace, must(history.EncodeRun([]history.Version{forged}))); err != nil {
		t.Fatal(err)
	}
	got, err := d.Next()
	if !errors.Is(err, history.ErrContent) || got.ID == (history.ID{}) || len(got.Contents) != 1 || got.Contents[0].Op != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestContentOfAnotherPlace has a content with the right hash that says another position than the structure does.
func TestContentOfAnotherPlace(t *testing.T) {
	w := &writer{author: author(0)}
	splice := history.Op{Op: must(crdt.TextSplice("n/1", 4, 0, "xy")), Detached: &history.Detached{}}
	v := w.write(nil, splice)
	forged := v.Clone()
	forged.Payload = bytes.Replace(forged.Payload, []byte{0x93, 4, 0, 2}, []byte{0x93, 5, 0, 2}, 1)
	var d history.Decoder
	if err := d.Reset(testSpace, must(history.EncodeRun([]history.Version{forged}))); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Next(); !errors.Is(err, history.ErrContent) || got.Width != 2 || len(got.Contents) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestContentOfAnotherLength has a payload that declares another length than that of the body it has the hash of.
func TestContentOfAnotherLength(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, detached("n/1", `"xy"`, 1))
	forged := v.Clone()
	forged.Payload = bytes.Replace(v.Payload, []byte{0xc0, 3, 0xc4, 32}, []byte{0xc0, 2, 0xc4, 32}, 1)
	var d history.Decoder
	if err := d.Reset(testSpace, must(history.EncodeRun([]history.Version{forged}))); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Next(); !errors.Is(err, history.ErrContent) || got.ID == v.ID || len(got.Contents) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// rawRecord is a record of a run with one chain and no external.
func rawRecord(time int64, parents []uint64, contents ...uint64) []byte {
	b := canon.AppendUint(canon.AppendArray(nil, 5), 0)
	b = canon.AppendArray(canon.AppendInt(b, time), len(parents))
	for _, p := range parents {
		b = canon.AppendUint(b, p)
	}
	b = canon.AppendBytes(b, []byte{0x92, 0x90, 0xc0})
	b = canon.AppendArray(b, len(contents))
	for _, op := range contents {
		b = canon.AppendUint(canon.AppendArray(b, 3), op)
		b = canon.AppendBytes(canon.AppendBytes(b, make([]byte, history.SaltSize)), []byte{0xc0})
	}
	return b
}

// TestRecordsRefused lists second records that are no records.
func TestRecordsRefused(t *testing.T) {
	who, id := author(0), history.Genesis(testSpace, author(0))
	run := func(second []byte) []byte {
		b := canon.AppendUint(canon.AppendArray(nil, 5), history.FormatByte)
		b = canon.AppendBytes(canon.AppendArray(canon.AppendArray(b, 1), 3), who[:])
		b = canon.AppendArray(canon.AppendBytes(canon.AppendUint(b, 0), id[:]), 0)
		return append(append(b, rawRecord(10, nil)...), second...)
	}
	cases := map[string]struct {
		second []byte
		run    bool // whether the error is one of the run, and not of the version
	}{
		"itself as a parent":        {rawRecord(1, []uint64{0}), true},
		"a parent before the run":   {rawRecord(1, []uint64{4}), true},
		"an external that is none":  {rawRecord(1, []uint64{1}), true},
		"a parent twice":            {rawRecord(1, []uint64{2, 2}), true},
		"a time below zero":         {rawRecord(-11, nil), true},
		"a time beyond 63 bits":     {rawRecord(1<<63-1, nil), true},
		"two contents of one op":    {rawRecord(1, nil, 0, 0), true},
		"contents that descend":     {rawRecord(1, nil, 1, 0), true},
		"a content of op 65536":     {rawRecord(1, nil, 1<<16), true},
		"too many parents":          {rawRecord(1, make([]uint64, history.MaxDeps+1)), true},
		"prev among the parents":    {rawRecord(1, []uint64{2}), false},
		"a content of an op beyond": {rawRecord(1, nil, 0), false},
	}
	for name, c := range cases {
		var d history.Decoder
		if err := d.Reset(testSpace, run(c.second)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := d.Next(); err != nil {
			t.Fatalf("%s: the first record: %v", name, err)
		}
		_, err := d.Next()
		if err == nil || errors.Is(err, history.ErrRun) != c.run {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExternalsAreVersions: genesis is what a first version follows, and no version that another could have seen.
func TestExternalsAreVersions(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write([]history.Ref{{Author: author(1), ID: history.Genesis(testSpace, author(1))}}, put("n/1", "1"))
	run := must(history.EncodeRun([]history.Version{v}))
	var d history.Decoder
	if err := d.Reset(testSpace, run); !errors.Is(err, history.ErrRun) {
		t.Errorf("a run with the genesis of an author as a parent: %v, want ErrRun", err)
	}
}

// TestCountsAreNotBelieved offers runs whose counts are as great as their bytes seem to allow.
func TestCountsAreNotBelieved(t *testing.T) {
	const n = 1 << 20
	rest := make([]byte, n)
	head := canon.AppendUint(canon.AppendArray(nil, 1<<16), history.FormatByte)
	who, id := author(0), history.Genesis(testSpace, author(0))
	one := canon.AppendArray(canon.AppendBytes(canon.AppendUint(canon.AppendBytes(canon.AppendArray(canon.AppendArray(slices.Clone(head), 1), 3), who[:]), 0), id[:]), 0)
	cases := map[string][]byte{
		"chains":    append(canon.AppendArray(slices.Clone(head), n/2), rest...),
		"externals": append(canon.AppendArray(canon.AppendArray(slices.Clone(head), 0), n/2), rest...),
		"records":   append(append(canon.AppendArray(nil, n/2), one[5:]...), rest...),
		"contents":  append(canon.AppendArray(append(slices.Clone(one), 0x95, 0, 0, 0x90, 0xc4, 0), n/2), rest...),
	}
	for name, run := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var d history.Decoder
		_, err := readAll(&d, run)
		runtime.ReadMemStats(&after)
		if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(8*len(run)+64<<10); took > limit || err == nil {
			t.Errorf("%s: %d bytes of run took %d bytes of memory, limit %d (%v)", name, len(run), took, limit, err)
		}
	}
}

// TestDecoderBounds reads the densest runs there are and measures what that takes.
func TestDecoderBounds(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	var empty, merging []history.Version
	for i := range 20_000 {
		empty = append(empty, a.write(nil))
		if i < 2_000 {
			deps := []history.Ref{}
			for k := max(0, i-history.MaxDeps); k < i; k++ {
				deps = append(deps, merging[k].Ref())
			}
			if i > 0 {
				deps = deps[:len(deps)-1] // the last one is Prev
			}
			merging = append(merging, b.write(deps))
		}
	}
	for name, versions := range map[string][]history.Version{"empty": empty, "merging": merging} {
		run := must(history.EncodeRun(versions))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var d history.Decoder
		n, err := readAll(&d, run)
		runtime.ReadMemStats(&after)
		if err != nil || n != len(versions) {
			t.Fatalf("%s: %d versions, %v", name, n, err)
		}
		if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(8*len(run)+64<<10); took > limit {
			t.Errorf("%s: %d bytes of run took %d bytes of memory, limit %d", name, len(run), took, limit)
		}
	}
}

// readAll reads a run to its end, over invalid versions, and returns how many there are.
func readAll(d *history.Decoder, run []byte) (int, error) {
	if err := d.Reset(testSpace, run); err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		_, err := d.Next()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case errors.Is(err, history.ErrRun):
			return n, err
		}
	}
}

// TestRunRefused lists bytes that are no run.
func TestRunRefused(t *testing.T) {
	w := &writer{author: author(0)}
	good := must(history.EncodeRun([]history.Version{w.write(nil, put("n/1", "1")), w.write(nil, put("n/1", "2"))}))
	cases := map[string][]byte{
		"nothing":           nil,
		"not an array":      {0xc0},
		"no records":        {0x93, 0, 0x90, 0x90},
		"a newer format":    append([]byte{good[0], 1}, good[2:]...),
		"trailing bytes":    append(slices.Clone(good), 0xc0),
		"too many records":  append([]byte{0xdd, 0, 0x10, 0, 0}, good[1:]...),
		"too many chains":   {0x94, 0, 0xdd, 0, 1, 0, 0, 0x90, 0x90, 0xc0},
		"chain out of list": func() []byte { b := slices.Clone(good); b[75] = 3; return b }(),
	}
	for i := range good {
		cases[fmt.Sprintf("the first %d bytes", i)] = good[:i]
	}
	for name, b := range cases {
		var d history.Decoder
		if _, err := readAll(&d, b); !errors.Is(err, history.ErrRun) {
			t.Errorf("%s: %v", name, err)
		} else if err2 := d.Reset(testSpace, b); err2 == nil {
			for range 3 {
				_, err2 = d.Next()
			}
			if !errors.Is(err2, history.ErrRun) && !strings.Contains(name, "record") {
				t.Errorf("%s: the error does not stay: %v", name, err2)
			}
		}
	}
	if _, err := history.EncodeRun(nil); !errors.Is(err, history.ErrRun) {
		t.Errorf("no versions: %v", err)
	}
}

func FuzzDecodeRun(f *testing.F) {
	w, x := &writer{author: author(0)}, &writer{author: author(1)}
	v1 := w.write(nil, put("n/1", `{"a":[1,2,3]}`), detached("n/2", `"x"`, 3))
	v2 := x.write([]history.Ref{v1.Ref()}, put("n/1", "null"))
	v3 := w.write([]history.Ref{v2.Ref()})
	f.Add(must(history.EncodeRun([]history.Version{v1})))
	f.Add(must(history.EncodeRun([]history.Version{v1, v2, v3})))
	f.Add(must(history.EncodeRun([]history.Version{v2, v3})))
	text, list := history.Op{Op: must(crdt.TextSplice("n/1", 4, 1, "xy"))}, history.Op{Op: must(crdt.ListReplace("n/2", 4, canon.Null()))}
	list.Detached = &history.Detached{}
	f.Add(must(history.EncodeRun([]history.Version{w.write(nil, text, list)})))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d history.Decoder
		var sound []history.Version
		if d.Reset(testSpace, b) != nil {
			return
		}
		for {
			v, err := d.Next()
			if errors.Is(err, history.ErrRun) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				continue
			}
			if err := v.Check(); err != nil {
				t.Fatalf("a version that was read does not pass: %v", err)
			}
			sound = append(sound, v.Clone())
		}
		if len(sound) == 0 {
			return
		}
		again, err := history.EncodeRun(sound)
		if err != nil {
			t.Fatal(err)
		}
		read, err := history.DecodeRun(testSpace, again)
		if err != nil || !slices.EqualFunc(read, sound, func(a, b history.Version) bool { return same(&a, &b) }) {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}

// smallVersions is n versions of one writer with a small value each.
func smallVersions(n int) []history.Version {
	w := &writer{author: author(0)}
	versions := make([]history.Version, n)
	for i := range versions {
		versions[i] = w.write(nil, put("notes/"+string(rune('a'+i%26)), `{"title":"Milk","done":false,"n":12345}`))
	}
	return versions
}

// BenchmarkDecode is reading, checking and hashing one small version.
func BenchmarkDecode(b *testing.B) {
	const n = 4096
	run := must(history.EncodeRun(smallVersions(n)))
	var d history.Decoder
	b.ReportAllocs()
	b.SetBytes(int64(len(run) / n))
	for i := 0; b.Loop(); i++ {
		if i%n == 0 {
			if err := d.Reset(testSpace, run); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := d.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode is writing one small version into a run.
func BenchmarkEncode(b *testing.B) {
	const n = 4096
	versions := smallVersions(n)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%n == 0 {
			must(history.EncodeRun(versions))
		}
	}
}

// BenchmarkNew is making one small version.
func BenchmarkNew(b *testing.B) {
	w := &writer{author: author(0)}
	op := put("notes/a", `{"title":"Milk","done":false,"n":12345}`)
	b.ReportAllocs()
	for b.Loop() {
		w.write(nil, op)
	}
}
