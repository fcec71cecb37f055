package sequence

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/zstd"
)

// play is a trace as the text that it makes, each op applied where its author stood.
func (t *trace) play(tb testing.TB) *Text {
	tb.Helper()
	text := NewText(nil)
	ops := t.ops()
	end := make([]uint32, len(ops))
	var parents []uint32
	for i := range ops {
		parents = parents[:0]
		for _, p := range ops[i].parents {
			parents = append(parents, end[p])
		}
		if err := text.splice(&ops[i].Dot, parents, &ops[i].Splice); err != nil {
			tb.Fatal(err)
		}
		end[i] = text.log.next - 1
	}
	return text
}

// TestSizes holds the encoding of recorded sessions to what other libraries need at the least.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		trace            string
		history, openers int
	}{
		{"automerge-paper", 80_000, 70_000},
		{"rustcode", 95_000, 40_000},
		{"sveltecomponent", 33_000, 10_000},
		{"friendsforever", 26_000, 24_000},
	} {
		tr := readTrace(t, c.trace)
		text := tr.play(t)
		if text.String() != tr.End {
			t.Fatalf("%s does not end as it was recorded", c.trace)
		}
		log := text.log.Append(nil, 0)
		snapshot := text.AppendSnapshot(nil)
		smallLog, _ := zstd.Compress(nil, log, false)
		smallSnapshot, _ := zstd.Compress(nil, snapshot, false)
		t.Logf("%s: log %d bytes, %d compressed; snapshot %d, %d", c.trace, len(log), len(smallLog), len(snapshot), len(smallSnapshot))
		if len(smallLog) > c.history || len(smallSnapshot) > c.openers {
			t.Errorf("%s: %d and %d bytes, more than %d and %d", c.trace, len(smallLog), len(smallSnapshot), c.history, c.openers)
		}
		reread, err := DecodeLog(log)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(reread.Append(nil, 0), log) {
			t.Errorf("%s: a log reads back as another", c.trace)
		}
		again := NewText(nil)
		if _, err := again.Merge(reread); err != nil || again.String() != tr.End {
			t.Errorf("%s: a log replays to another text (%v)", c.trace, err)
		}
		if !slices.Equal(slices.Collect(again.Blame()), slices.Collect(text.Blame())) {
			t.Errorf("%s: a log replays to a text of other authors", c.trace)
		}
		opened, err := OpenText(snapshot, nil)
		if err != nil || opened.String() != tr.End {
			t.Fatalf("%s: a snapshot opens as another text (%v)", c.trace, err)
		}
		if !bytes.Equal(opened.AppendSnapshot(nil), snapshot) {
			t.Errorf("%s: a snapshot reads back as another", c.trace)
		}
	}
}

// TestReload encodes and decodes the text between ops: as log in parts, as a snapshot with its past loaded when it is
// asked for. What comes out must be what a text that stayed in memory has.
func TestReload(t *testing.T) {
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		w := newWorld(r, 3)
		w.grow(30)
		stays, moves := NewText(w), NewText(w)
		var parts [][]byte
		saved := 0
		for _, v := range w.shuffle() {
			op := w.versions[v].op
			if _, err := stays.Apply(op); err != nil {
				t.Fatal(err)
			}
			_, err := moves.Apply(op)
			if errors.Is(err, ErrHistory) {
				if err = moves.Load(readParts(t, parts)); err == nil {
					_, err = moves.Apply(op)
				}
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if moves.String() != stays.String() {
				t.Fatalf("seed %d: %q, want %q", seed, moves.String(), stays.String())
			}
			if r.IntN(3) == 0 {
				parts = append(parts, moves.log.Append(nil, saved))
				saved = moves.log.Events()
				if moves, err = OpenText(moves.AppendSnapshot(nil), w); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !bytes.Equal(moves.AppendSnapshot(nil), stays.AppendSnapshot(nil)) {
			t.Fatalf("seed %d: snapshots differ", seed)
		}
		parts = append(parts, moves.log.Append(nil, saved))
		merged := NewText(w)
		if _, err := merged.Merge(readParts(t, parts)); err != nil || merged.String() != stays.String() {
			t.Fatalf("seed %d: the parts replay to %q, want %q (%v)", seed, merged.String(), stays.String(), err)
		}
	}
}

func readParts(t *testing.T, parts [][]byte) *Log {
	t.Helper()
	log := newLog(0, nil, false)
	for _, p := range parts {
		if err := log.Extend(p); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// TestLoadOfAnother refuses the past of another document.
func TestLoadOfAnother(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 3)), 3)
	w.grow(20)
	text := NewText(w)
	for i := range w.versions {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := OpenText(text.AppendSnapshot(nil), w)
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(rand.New(rand.NewPCG(2, 3)), 3)
	other.grow(20)
	foreign := NewText(other)
	for i := range other.versions {
		if _, err := foreign.Apply(other.versions[i].op); err != nil {
			t.Fatal(err)
		}
	}
	if err := opened.Load(foreign.log); !errors.Is(err, ErrEvent) {
		t.Errorf("Load: %v", err)
	}
	if err := opened.Load(text.log); err != nil {
		t.Errorf("Load: %v", err)
	}
}

// TestMergeOfAnotherKind refuses the log of a list in a text, and of a text in a list.
func TestMergeOfAnotherKind(t *testing.T) {
	text, list := NewText(nil), NewList(nil)
	if err := text.Splice(Dot{Author: author(1), Seq: 1}, Splice{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := list.Edit(Dot{Author: author(1), Seq: 1}, ListEdit{Elements: [][]byte{[]byte("x")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := text.Merge(list.log); !errors.Is(err, ErrEvent) {
		t.Errorf("a list into a text: %v", err)
	}
	if _, err := list.Merge(text.log); !errors.Is(err, ErrEvent) {
		t.Errorf("a text into a list: %v", err)
	}
}

// TestBytes holds the encodings to what they are: whoever changes them changes these, and the format with them.
func TestBytes(t *testing.T) {
	w := newWorld(nil, 3)
	w.write(0, Splice{Text: "añ🙂"})
	w.meet(1, 0)
	w.write(0, Splice{Pos: 2, Removed: 1, Text: "x"})
	w.write(1, Splice{Pos: 3, Text: "!"})
	w.write(1, Splice{Pos: 3, Removed: 1})
	w.write(1, Splice{Pos: 2, Removed: 1})
	text := NewText(w)
	lists := newWorld(nil, 2)
	lists.writeList(0, ListEdit{Elements: [][]byte{[]byte("1"), []byte("22")}})
	lists.writeList(0, ListEdit{Kind: ListMove, Pos: 0, To: 1})
	lists.writeList(0, ListEdit{Kind: ListReplace, Pos: 0, Elements: [][]byte{[]byte("333")}})
	list := NewList(lists)
	for i := range w.versions {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			t.Fatal(err)
		}
	}
	for i := range lists.versions {
		if _, err := list.Apply(lists.versions[i].list); err != nil {
			t.Fatal(err)
		}
	}
	key0, key1 := strings.Repeat("00", 32), "000001"+strings.Repeat("00", 29)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"log of a text", text.log.Append(nil, 0), "00000008" + "42" + key0 + "00" + key1 + "00" +
			"0400000002" + "020503" + "0400010102" + "051809080812" + "050001000600" + "61c3b1f09f99827821"},
		{"snapshot of a text", text.AppendSnapshot(nil), "0000080204" + "01" + "42" + key0 + "00" + key1 + "00" +
			"06050000030100" + "0400020401" + "61c3b178"},
		{"log of a list", list.log.Append(nil, 0), "00010004" + "21" + key0 + "00" +
			"020000" + "0104" + "0100" + "03100b0c" + "0400030101" + "03010203" + "313232333333"},
		{"snapshot of a list", list.AppendSnapshot(nil), "0001040101" + "21" + key0 + "00" +
			"03040000" + "0402010301" + "020301" + "04" + "00020002" + "33333331"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestPartsOfBackspaces cuts a log where somebody goes on to remove backwards: a part may begin with one removal.
func TestPartsOfBackspaces(t *testing.T) {
	for kept := range 5 {
		text := NewText(nil)
		var parts [][]byte
		for i, s := range []Splice{{Text: "abcd"}, {Pos: 3, Removed: 1}, {Pos: 2, Removed: 1}, {Pos: 1, Removed: 1}, {Removed: 1}} {
			from := text.log.Events()
			if err := text.Splice(Dot{Seq: uint64(from) + 1}, s); err != nil {
				t.Fatal(err)
			}
			if i == kept {
				parts = append(parts, text.log.Append(nil, 0))
			} else if i > kept {
				parts = append(parts, text.log.Append(nil, from))
			}
		}
		log, err := DecodeLog(parts[0])
		for _, part := range parts[1:] {
			if err == nil {
				err = log.Extend(part)
			}
		}
		again := NewText(nil)
		if err == nil {
			_, err = again.Merge(log)
		}
		if err != nil || again.log.Events() != text.log.Events() || again.Len() != 0 {
			t.Errorf("kept after %d: %q, %d events, %v", kept, again, again.log.Events(), err)
		}
	}
}
