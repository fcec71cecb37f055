package pack_test

import (
	"bytes"
	"errors"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// member is a space with one writer key, and authors that it certifies.
type member struct {
	root   identity.RootKey
	writer identity.WriterKey
	grant  identity.Grant
}

func newMember(seed byte) member {
	m := member{root: identity.RootKeyFromSeed([32]byte{seed}), writer: identity.WriterKeyFromSeed([32]byte{seed, 1})}
	m.grant = m.root.Grant(identity.FirstEpoch, m.writer.Writer())
	return m
}

// TestHeader reads from a pack what it says in clear, without its body.
func TestHeader(t *testing.T) {
	a, b, c := &writer{author: author(0)}, &writer{author: author(1)}, &writer{author: author(2)}
	v1 := a.write(nil, put("n/1", "1"))
	far := c.write(nil, put("n/9", "9"))
	v2 := b.write([]history.Ref{v1.Ref(), far.Ref()}, put("n/1", "2"), put("n/2", "2"))
	v3 := a.write(nil, put("n/1", "3"))
	v4 := b.write([]history.Ref{v3.Ref()}, put("n/2", "4"))
	fork := *a
	fork.tip = v1.Ref()
	v5 := fork.write(nil, put("n/1", "5"))
	one, other := newMember(1), newMember(2)
	o := pack.Options{
		Certificates: []identity.Certificate{
			one.writer.Certify(one.grant, a.author), other.writer.Certify(other.grant, b.author), one.writer.Certify(one.grant, author(7)),
		},
	}
	key := identity.AuthorKeyFromSeed([32]byte{1})
	tip, earlier := key.Seal(testSpace, v4.Seq, v4.ID), key.Seal(testSpace, v2.Seq, v2.ID)
	tip.Author, earlier.Author = b.author, b.author // the signature is not the pack's to judge
	o.Seals = []identity.Seal{tip, earlier, key.Seal(testSpace, 9, history.ID{9})}
	w := a.write([]history.Ref{v4.Ref()}, erase("n/1", &v1), erase("n/2", &v2))
	o.Erasures = []history.Erasure{{Version: w, Sig: key.Seal(testSpace, w.Seq, w.ID).Sig}}
	packed := must(pack.Encode(nil, []history.Version{v2, v3, v4, v5}, o))
	h, body, err := pack.ReadHeader(packed)
	if err != nil {
		t.Fatal(err)
	}
	want := pack.Header{
		Codec: h.Codec, Stored: len(body), Plain: h.Plain, Count: 4, First: v2.Time, Last: v5.Time,
		Chains: []pack.Chain{
			{Before: history.Ref{Author: b.author}, Tip: v4.Ref()},
			{Before: v1.Ref(), Tip: v3.Ref()},
			{Before: v1.Ref(), Tip: v5.Ref()},
		},
		Externals: []history.Ref{far.Ref()}, Seals: o.Seals, Certificates: o.Certificates,
	}
	if len(h.Erasures) != 1 || h.Erasures[0].Ref() != w.Ref() || h.Erasures[0].Sig != o.Erasures[0].Sig ||
		!slices.Equal(slices.Collect(keys(&h.Erasures[0])), []string{"n/1", "n/2"}) {
		t.Errorf("erasures %+v", h.Erasures)
	}
	h.Erasures = nil
	if !reflect.DeepEqual(h, want) {
		t.Errorf("header\n%+v, want\n%+v", h, want)
	}
	if n := bytes.Count(packed, one.grant.Sig[:]); n != 1 {
		t.Errorf("one grant stands in the pack %d times", n)
	}
	var d pack.Decoder
	got, err := read(&d, packed)
	if err != nil || len(got) != 4 || !same(&got[0], &v2) || !same(&got[3], &v5) {
		t.Fatalf("read %d versions, %v", len(got), err)
	}
	befores := []history.Ref{{Author: b.author, ID: history.Genesis(testSpace, b.author)}, v1.Ref(), v1.Ref()}
	if !slices.Equal(d.Befores(), befores) {
		t.Errorf("befores %v, want %v", d.Befores(), befores)
	}
}

// TestProofsAlone is a pack without versions.
func TestProofsAlone(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, put("n/1", "1"))
	e := history.Erasure{Version: w.write(nil, erase("n/1", &v))}
	packed := must(pack.Encode(nil, nil, pack.Options{Erasures: []history.Erasure{e}}))
	var d pack.Decoder
	if got, err := read(&d, packed); err != nil || len(got) > 0 {
		t.Fatalf("%d versions, %v", len(got), err)
	}
	if h := d.Header(); len(h.Erasures) != 1 || h.Erasures[0].ID != e.ID {
		t.Errorf("%+v", h)
	}
	if _, err := pack.Encode(nil, nil, pack.Options{}); !errors.Is(err, pack.ErrPack) {
		t.Errorf("a pack of nothing: %v", err)
	}
	h, cols := pack.Split(packed)
	h.Erasures = nil
	if _, err := read(&d, pack.Join(h, cols)); !errors.Is(err, pack.ErrPack) {
		t.Errorf("nothing is read: %v", err)
	}
	h, cols = pack.Split(must(pack.Encode(nil, []history.Version{v}, pack.Options{Plain: true, Erasures: []history.Erasure{e}})))
	h.Count, h.Chains, h.First, h.Last = 0, nil, 0, 0
	if _, err := read(&d, pack.Join(h, cols)); !errors.Is(err, pack.ErrPack) {
		t.Errorf("columns of no version are read: %v", err)
	}
}

func erase(key string, v *history.Version) history.Op {
	return history.Op{Op: must(crdt.Erase(key, crdt.Target{Version: v.Stamp().Entry()}))}
}

func keys(e *history.Erasure) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range e.Targets() {
			if !yield(key) {
				return
			}
		}
	}
}

// TestHeaderCutShort reads the first bytes of a header with everything in it.
func TestHeaderCutShort(t *testing.T) {
	m := newMember(1)
	w := &writer{author: author(0)}
	v := w.write([]history.Ref{{Author: author(1), Seq: 3, ID: history.ID{3}}}, put("n/1", "1"))
	key := identity.AuthorKeyFromSeed([32]byte{1})
	packed := must(pack.Encode(nil, []history.Version{v}, pack.Options{
		Plain: true, Seals: []identity.Seal{key.Seal(testSpace, 1, v.ID)}, Certificates: []identity.Certificate{m.writer.Certify(m.grant, w.author)},
		Erasures: []history.Erasure{{Version: w.write(nil, erase("n/1", &v))}},
	}))
	_, body, err := pack.ReadHeader(packed)
	if err != nil {
		t.Fatal(err)
	}
	end := len(packed) - len(body)
	for i := range end {
		if _, _, err := pack.ReadHeader(packed[:i]); !errors.Is(err, pack.ErrPack) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
	if _, _, err := pack.ReadHeader(packed[:end]); err != nil {
		t.Errorf("a header without its body: %v", err)
	}
	if _, _, err := pack.ReadHeader(append([]byte{packed[0], 1}, packed[2:]...)); !errors.Is(err, pack.ErrPack) {
		t.Errorf("a newer format: %v", err)
	}
}

// TestCountsAreNotBelieved offers headers in which one list claims as many items as its bytes seem to allow.
func TestCountsAreNotBelieved(t *testing.T) {
	const n = 1 << 20
	who, id := author(0), history.ID{1}
	head := append(canon.AppendArray(nil, 14), 0, 0, 0, 0, 1, 1, 1) // sizes, one version, times
	one := canon.AppendBytes(canon.AppendArray(slices.Clone(head), 1), who[:])
	one = canon.AppendBytes(append(canon.AppendArray(canon.AppendArray(one, 1), 5), 0, 0, 1, 0xc0), id[:])
	none := []byte{0x90}
	for name, b := range map[string][]byte{
		"authors":      head,
		"chains":       slices.Concat(head, none),
		"externals":    one,
		"seals":        slices.Concat(one, none),
		"grants":       slices.Concat(one, none, none),
		"certificates": slices.Concat(one, none, none, none),
		"erasures":     slices.Concat(one, none, none, none, none),
	} {
		b = append(canon.AppendArray(slices.Clone(b), n/2), make([]byte, n)...)
		var err error
		took := allocated(func() { _, _, err = pack.ReadHeader(b) })
		if limit := uint64(8*len(b) + 64<<10); took > limit || !errors.Is(err, pack.ErrPack) {
			t.Errorf("%s: %d bytes took %d bytes of memory, limit %d (%v)", name, len(b), took, limit, err)
		}
	}
}
