package pack_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files again from what the code does")

// vectors are packs for implementations in any language. Bytes are hexadecimal.
type vectors struct {
	Comment string          `json:"comment"`
	Packs   []packVector    `json:"packs"`
	Refused []refusedVector `json:"refused"`
}

type packVector struct {
	Name     string          `json:"name"`
	Space    string          `json:"space"`
	Pack     string          `json:"pack"`
	First    uint64          `json:"first,string"`
	Last     uint64          `json:"last,string"`
	Chains   []chainVector   `json:"chains"`
	Columns  []columnVector  `json:"columns"`
	Versions []versionVector `json:"versions"`
}

type chainVector struct {
	Author string `json:"author"`
	After  uint64 `json:"after"`
	Last   uint64 `json:"last"`
	Tip    string `json:"tip"`
}

type columnVector struct {
	Column int    `json:"column"`
	Bytes  string `json:"bytes"`
}

type versionVector struct {
	Chain    int      `json:"chain"`
	Time     uint64   `json:"time,string"`
	Deps     []string `json:"deps"`
	Payload  string   `json:"payload"`
	Contents []string `json:"contents"`
	ID       string   `json:"id"`
}

// refusedVector is bytes that are no pack, or of which a version is invalid for the fault.
type refusedVector struct {
	Name  string `json:"name"`
	Space string `json:"space"`
	Pack  string `json:"pack"`
	Fault string `json:"fault,omitempty"`
}

// vectorVersions are versions of each shape, parents before children.
func vectorVersions() []history.Version {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	a.time, b.time = 1_764_000_000_000<<16, 1_764_000_000_500<<16
	first := a.write(nil, put("notes/1", `{"title":"Milk","n":1.5}`))
	other := b.write([]history.Ref{first.Ref()}, put("notes/12", `3`), put("notes/1", `"x"`))
	a.time++
	second := a.make(nil, history.Meta{}, detached("private/1", `"secret"`, 7), put("notes/ü", `null`))
	a.time++
	join := a.make([]history.Ref{other.Ref()}, history.Meta{})
	fork := *b
	forked := fork.write(nil, put("notes/1", `"y"`))
	last := b.make([]history.Ref{second.Ref()}, history.Meta{Message: "why"}, put("notes/2", `[]`))
	wide := history.Op{Op: put("t/1", `["x"]`).Op}
	wide.Code, wide.Width = 99, 300
	return []history.Version{first, other, second, join, forked, last, fork.write(nil, wide, detached("private/1", `1`, 8))}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func vectorOf(name string, versions []history.Version) packVector {
	b := must(pack.Encode(nil, versions, plain))
	h, cols := pack.Split(b)
	out := packVector{Name: name, Space: hexOf(testSpace[:]), Pack: hexOf(b), First: uint64(h.First), Last: uint64(h.Last)}
	for _, c := range h.Chains {
		out.Chains = append(out.Chains, chainVector{
			Author: hexOf(c.Tip.Author[:]), After: c.Before.Seq, Last: c.Tip.Seq, Tip: c.Tip.ID.String(),
		})
	}
	for i, c := range cols {
		if len(c) > 0 {
			out.Columns = append(out.Columns, columnVector{Column: i, Bytes: hexOf(c)})
		}
	}
	var d pack.Decoder
	if err := d.Reset(testSpace, b); err != nil {
		panic(err)
	}
	for i := range versions {
		v := must(d.Next())
		chain := slices.IndexFunc(h.Chains, func(c pack.Chain) bool { // the one whose tip it leads to
			for at := &versions[i]; at != nil; at = next(versions, at) {
				if at.ID == c.Tip.ID {
					return true
				}
			}
			return false
		})
		made := versionVector{Chain: chain, Time: uint64(v.Time), Deps: []string{}, Payload: hexOf(v.Payload), Contents: []string{}, ID: v.ID.String()}
		for _, dep := range v.Deps {
			made.Deps = append(made.Deps, dep.ID.String())
		}
		for _, c := range v.Contents {
			made.Contents = append(made.Contents, strconv.Itoa(int(c.Op))+" "+hexOf(c.Salt[:])+" "+hexOf(c.Body))
		}
		out.Versions = append(out.Versions, made)
	}
	return out
}

// next is the version that has v as its previous one; with several, the last.
func next(versions []history.Version, v *history.Version) *history.Version {
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Prev == v.ID {
			return &versions[i]
		}
	}
	return nil
}

func makeVectors() vectors {
	v := vectors{Comment: "doc/packs.md says what these are. All bytes are hexadecimal; times are hybrid times, as text because they exceed 2^53; " +
		"contents are op, salt and body. zstd.hex is the first pack once more, compressed."}
	versions := vectorVersions()
	typist := &writer{author: author(0), time: 1_764_000_000_000 << 16}
	typed := []history.Version{
		typist.write(nil, splice("t/1", 4, 0, "a")), typist.write(nil, splice("t/1", 5, 0, "ñ")), typist.write(nil, splice("t/1", 6, 0, "🙂")),
		typist.write(nil, splice("t/1", 6, 1, ""), splice("t/2", 0, 2, "xy")), typist.write(nil, splice("t/1", 5, 1, "")),
	}
	erased := versions[2]
	erased.Contents = nil
	v.Packs = []packVector{
		vectorOf("all versions", versions),
		vectorOf("the last four, parents outside", versions[3:]),
		vectorOf("one, its content erased", []history.Version{erased}),
		vectorOf("a text as it is typed", typed),
	}
	h, cols := pack.Split(must(pack.Encode(nil, versions[:2], plain)))
	refuse := func(name, fault string, change func(h *pack.Header, c *[pack.Columns][]byte)) {
		h, c := h, cols
		h.Chains = slices.Clone(h.Chains)
		change(&h, &c)
		v.Refused = append(v.Refused, refusedVector{Name: name, Space: hexOf(testSpace[:]), Pack: hexOf(pack.Join(h, c)), Fault: fault})
	}
	refuse("another tip", "", func(h *pack.Header, _ *[pack.Columns][]byte) { h.Chains[0].Tip.ID[0]++ })
	refuse("another last time", "", func(h *pack.Header, _ *[pack.Columns][]byte) { h.Last++ })
	refuse("more versions than there are", "", func(h *pack.Header, _ *[pack.Columns][]byte) { h.Count++ })
	refuse("a number that is not minimal", "", func(_ *pack.Header, c *[pack.Columns][]byte) {
		c[pack.ColRuns] = append([]byte{0x80, 0}, c[pack.ColRuns][1:]...)
	})
	refuse("bodies that no op has", "", func(_ *pack.Header, c *[pack.Columns][]byte) {
		c[pack.ColBodies] = append(slices.Clone(c[pack.ColBodies]), 0xc0)
	})
	refuse("a body that is no value", history.FaultOp.String(), func(_ *pack.Header, c *[pack.Columns][]byte) {
		c[pack.ColBodies] = append([]byte{0xc1}, c[pack.ColBodies][1:]...)
	})
	return v
}

const (
	vectorFile = "testdata/vectors.json"
	zstdFile   = "testdata/zstd.hex"
)

// TestVectors holds the bytes to those in testdata, and reads these as another implementation would. With -rewrite it writes the
// files.
func TestVectors(t *testing.T) {
	made := append(must(json.MarshalIndent(makeVectors(), "", "  ")), '\n')
	if *rewrite {
		packed := must(pack.Encode(nil, vectorVersions(), pack.Options{}))
		h, cols := pack.Split(packed)
		h.Codec = pack.CodecZstd // whether that makes it smaller or not
		if err := errors.Join(os.WriteFile(vectorFile, made, 0o644), os.WriteFile(zstdFile, []byte(hexOf(pack.Join(h, cols))+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	kept := must(os.ReadFile(vectorFile))
	if !bytes.Equal(kept, made) {
		t.Errorf("the bytes are others than those in %s:\n%s", vectorFile, made)
	}
	var v vectors
	if err := json.Unmarshal(kept, &v); err != nil {
		t.Fatal(err)
	}
	for _, p := range v.Packs {
		checkVector(t, &p, must(hex.DecodeString(p.Pack)))
	}
	checkVector(t, &v.Packs[0], must(hex.DecodeString(string(bytes.TrimSpace(must(os.ReadFile(zstdFile)))))))
	for _, r := range v.Refused {
		var d pack.Decoder
		if err := d.Reset(identity.Space(must(hex.DecodeString(r.Space))), must(hex.DecodeString(r.Pack))); err != nil && r.Fault == "" {
			continue
		}
		var err error
		for err == nil {
			_, err = d.Next()
		}
		if r.Fault == "" && !errors.Is(err, pack.ErrPack) || r.Fault != "" && fault(err).String() != r.Fault {
			t.Errorf("refused %q: %v, want fault %q", r.Name, err, r.Fault)
		}
	}
}

// checkVector reads packed and finds the versions of p.
func checkVector(t *testing.T, p *packVector, packed []byte) {
	t.Helper()
	var d pack.Decoder
	got, err := read(&d, packed)
	if err != nil || len(got) != len(p.Versions) {
		t.Errorf("pack %q: %d versions, %v", p.Name, len(got), err)
		return
	}
	for i, want := range p.Versions {
		if got[i].ID.String() != want.ID || hexOf(got[i].Payload) != want.Payload || hexOf(got[i].Author[:]) != p.Chains[want.Chain].Author {
			t.Errorf("pack %q, version %d: %+v, want %+v", p.Name, i, got[i], want)
		}
	}
}
