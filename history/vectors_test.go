package history_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// vectors are the bytes of versions and runs for implementations in any language. Bytes are hexadecimal.
type vectors struct {
	Comment string          `json:"comment"`
	Genesis []genesisVector `json:"genesis"`
	Version []versionVector `json:"versions"`
	Run     []runVector     `json:"runs"`
	Refused []refusedVector `json:"refused"`
}

type genesisVector struct {
	Space  string `json:"space"`
	Author string `json:"author"`
	ID     string `json:"id"`
}

type versionVector struct {
	Name     string          `json:"name"`
	Author   string          `json:"author"`
	Seq      uint64          `json:"seq"`
	Width    uint64          `json:"width"`
	Prev     string          `json:"prev"`
	Deps     []string        `json:"deps"`
	Time     uint64          `json:"time,string"`
	Payload  string          `json:"payload"`
	Contents []contentVector `json:"contents"`
	Header   string          `json:"header"`
	ID       string          `json:"id"`
}

type contentVector struct {
	Op   uint32 `json:"op"`
	Salt string `json:"salt"`
	Body string `json:"body"`
	Hash string `json:"hash"`
}

type runVector struct {
	Name  string   `json:"name"`
	Space string   `json:"space"`
	Run   string   `json:"run"`
	IDs   []string `json:"ids"`
}

// refusedVector is a run of one version, with the fault that the version has.
type refusedVector struct {
	Name  string `json:"name"`
	Space string `json:"space"`
	Run   string `json:"run"`
	Fault string `json:"fault"`
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// vectorVersions are versions of each shape, parents before children.
func vectorVersions() (names []string, versions []history.Version) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	a.time, b.time = 1_764_000_000_000<<16, 1_764_000_000_500<<16
	add := func(name string, v history.Version) history.Version {
		names, versions = append(names, name), append(versions, v)
		return v
	}
	first := add("first version of an author, one put", a.write(nil, put("notes/1", `{"title":"Milk","n":1.5}`)))
	other := add("first version of another author, one parent", b.write([]history.Ref{first.Ref()},
		history.Op{Op: must(crdt.Add("stats/notes", -3))}, history.Op{Op: must(crdt.Delete("notes/1"))}))
	secret := add("two dots after one, detached body", a.write(nil, detached("private/1", `"secret"`, 7), put("notes/ü", `null`)))
	add("join version", a.write([]history.Ref{other.Ref()}))
	meta := must(history.New(history.Draft{
		Space: testSpace, Author: author(1), Prev: other.Ref(), Deps: []history.Ref{a.tip}, Time: a.time + 1,
		Ops:  []history.Op{{Op: crdt.Op{Code: 99, Width: 300, Key: "t/1", Body: must(canon.FromJSON([]byte(`["x"]`)))}}},
		Meta: history.Meta{Message: "why", Undo: "g", App: must(canon.FromJSON([]byte(`{"k":true}`)))},
	}))
	add("unknown op of 300 dots, metadata", meta)
	b.tip = meta.Ref()
	b.time = meta.Time
	add("erase of the op that was detached", b.write(nil, history.Op{Op: must(crdt.Erase("private/1", crdt.Target{Version: secret.Stamp().Entry()}))}))
	apart := history.Op{Op: must(crdt.ListSplice("t/3", 0, 1, []crdt.Value{canon.Null()})), Detached: &history.Detached{Salt: [history.SaltSize]byte{8}}}
	add("edits of a text and a list, the second detached", a.write([]history.Ref{meta.Ref()},
		history.Op{Op: must(crdt.TextSplice("t/2", 3, 2, "añ🙂"))}, apart))
	return names, versions
}

func makeVectors() vectors {
	v := vectors{Comment: "doc/format.md says what these are. All bytes are hexadecimal; times are hybrid times, as text because they exceed 2^53."}
	for i := range 2 {
		id := history.Genesis(testSpace, author(i))
		who := author(i)
		v.Genesis = append(v.Genesis, genesisVector{Space: hexOf(testSpace[:]), Author: hexOf(who[:]), ID: id.String()})
	}
	names, versions := vectorVersions()
	var ids []string
	for i := range versions {
		v.Version = append(v.Version, vectorOf(names[i], &versions[i]))
		ids = append(ids, versions[i].ID.String())
	}
	run := func(name string, from, to int) {
		v.Run = append(v.Run, runVector{
			Name: name, Space: hexOf(testSpace[:]), Run: hexOf(must(history.EncodeRun(versions[from:to]))), IDs: ids[from:to],
		})
	}
	run("all versions", 0, len(versions))
	run("the last two, parents outside", 3, 5)
	v.Refused = refusedVectors(&versions[0])
	return v
}

func vectorOf(name string, v *history.Version) versionVector {
	out := versionVector{
		Name: name, Author: hexOf(v.Author[:]), Seq: v.Seq, Width: v.Width, Prev: v.Prev.String(), Deps: []string{},
		Time: uint64(v.Time), Payload: hexOf(v.Payload), Contents: []contentVector{}, Header: hexOf(v.AppendHeader(nil)), ID: v.ID.String(),
	}
	for _, d := range v.Deps {
		out.Deps = append(out.Deps, d.ID.String())
	}
	for i, op := range v.Ops() {
		if op.Detached != nil {
			out.Contents = append(out.Contents, contentVector{
				Op: uint32(i), Salt: hexOf(op.Detached.Salt[:]), Body: hexOf(op.Body), Hash: hexOf(op.Detached.Hash[:]),
			})
		}
	}
	return out
}

// refusedVectors are runs of v with its payload, or what is around it, replaced.
func refusedVectors(v *history.Version) []refusedVector {
	run := func(id history.ID, seq uint64, payload []byte) []byte {
		b := canon.AppendUint(canon.AppendArray(nil, 4), 0)
		b = canon.AppendArray(canon.AppendArray(b, 1), 3)
		b = canon.AppendUint(canon.AppendBytes(b, v.Author[:]), seq)
		b = canon.AppendArray(canon.AppendBytes(b, id[:]), 0)
		b = canon.AppendUint(canon.AppendArray(b, 5), 0)
		b = canon.AppendInt(b, int64(v.Time))
		b = canon.AppendArray(b, 0)
		return canon.AppendArray(canon.AppendBytes(b, payload), 0)
	}
	op := func(code, width uint64, key string, rest ...byte) []byte {
		b := canon.AppendArray(canon.AppendArray([]byte{0x92}, 1), 4)
		b = canon.AppendUint(canon.AppendUint(b, code), width)
		return append(canon.AppendString(b, key), rest...)
	}
	apart := func(code, width uint64, structure ...byte) []byte {
		b := op(code, width, "n/1", structure...)
		b[2] += 2 // structure, length and hash instead of a body
		b = canon.AppendUint(b, 3)
		return append(canon.AppendBytes(b, make([]byte, 32)), 0xc0)
	}
	const null = 0xc0
	cases := []struct {
		name    string
		payload []byte
		fault   history.Fault
	}{
		{"payload is no array", []byte{null}, history.FaultEncoding},
		{"trailing bytes", append(op(1, 1, "n/1", null, null), null), history.FaultEncoding},
		{"number that is not minimal", append([]byte{0x92, 0x91, 0x94, 0xcc, 1, 1}, op(1, 1, "n/1", null, null)[5:]...), history.FaultEncoding},
		{"op of five items", append([]byte{0x92, 0x91, 0x95}, op(1, 1, "n/1", null, null, null)[3:]...), history.FaultEncoding},
		{"put of 1.0 as a float", op(1, 1, "n/1", append(canon.AppendFloat(nil, 1), null)...), history.FaultOp},
		{"put of two dots", op(1, 2, "n/1", null, null), history.FaultOp},
		{"delete with a body", op(2, 1, "n/1", 1, null), history.FaultOp},
		{"erase without a target", op(8, 1, "n/1", null, null), history.FaultOp},
		{"op without dots", op(99, 0, "n/1", null, null), history.FaultOp},
		{"more dots than allowed", op(99, 1<<20+1, "n/1", null, null), history.FaultLimit},
		{"key without a slash", op(1, 1, "n", null, null), history.FaultKey},
		{"key with a control character", op(1, 1, "n/\x7f", null, null), history.FaultKey},
		{"empty metadata map", op(1, 1, "n/1", null, 0x80), history.FaultMeta},
		{"splice that owns a dot too many", op(16, 3, "n/1", 0x93, 0, 1, 0xa1, 'x', null), history.FaultOp},
		{"splice of nothing", op(16, 1, "n/1", 0x93, 5, 0, 0xa0, null), history.FaultOp},
		{"splice of text that is no UTF-8", op(16, 1, "n/1", 0x93, 0, 0, 0xa1, 0xff, null), history.FaultEncoding},
		{"element that is the text of bytes", op(17, 1, "n/1", 0x93, 0, 0, 0x81, 0xa6, '$', 'b', 'y', 't', 'e', 's', 0xa0, null), history.FaultOp},
		{"move to where it is", op(18, 1, "n/1", 0x92, 7, 7, null), history.FaultOp},
		{"position beyond 2^31-1", op(19, 1, "n/1", 0x92, 0xce, 0x80, 0, 0, 0, null, null), history.FaultOp},
		{"detached splice without structure", apart(16, 1, null), history.FaultOp},
		{"detached splice that owns a dot too many", apart(16, 3, 0x93, 0, 1, 1), history.FaultOp},
		{"detached put with structure", apart(1, 1, 0x91, 0), history.FaultOp},
		{"message that is no text", op(1, 1, "n/1", null, 0x81, 0xa1, 'm', 1), history.FaultMeta},
	}
	var out []refusedVector
	add := func(name string, b []byte, f history.Fault) {
		out = append(out, refusedVector{Name: name, Space: hexOf(testSpace[:]), Run: hexOf(b), Fault: f.String()})
	}
	for _, c := range cases {
		add(c.name, run(v.Prev, 0, c.payload), c.fault)
	}
	add("first version after no genesis", run(history.ID{1}, 0, v.Payload), history.FaultParents)
	add("dot beyond 63 bits", run(history.ID{1}, history.MaxSeq, v.Payload), history.FaultLimit)
	return out
}

const vectorFile = "testdata/vectors.json"

// TestVectors holds the bytes to those in testdata/vectors.json, and reads these as another implementation would. With
// -rewrite it writes the file.
func TestVectors(t *testing.T) {
	made, err := json.MarshalIndent(makeVectors(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *rewrite {
		if err := os.WriteFile(vectorFile, made, 0o644); err != nil {
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
	for _, r := range v.Run {
		read, err := history.DecodeRun(identity.Space(must(hex.DecodeString(r.Space))), must(hex.DecodeString(r.Run)))
		if err != nil {
			t.Errorf("run %q: %v", r.Name, err)
			continue
		}
		var ids []string
		for i := range read {
			ids = append(ids, read[i].ID.String())
		}
		if strings.Join(ids, " ") != strings.Join(r.IDs, " ") {
			t.Errorf("run %q: ids %v, want %v", r.Name, ids, r.IDs)
		}
	}
	for _, r := range v.Refused {
		_, err := history.DecodeRun(identity.Space(must(hex.DecodeString(r.Space))), must(hex.DecodeString(r.Run)))
		var invalid *history.InvalidError
		if !errors.As(err, &invalid) || invalid.Fault.String() != r.Fault {
			t.Errorf("refused %q: %v, want fault %s", r.Name, err, r.Fault)
		}
	}
}
