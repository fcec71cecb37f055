package history_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

// TestOpsRoundTrip reads back what a version was made of, ops of unknown kinds and metadata of unknown keys included.
func TestOpsRoundTrip(t *testing.T) {
	unknown := history.Op{Op: crdt.Op{Code: 99, Width: 3, Key: "t/1", Body: canon.AppendArray(nil, 0)}}
	structured := history.Op{
		Op:       crdt.Op{Code: 99, Width: 2, Key: "t/2", Body: canon.AppendString(nil, "hi")},
		Detached: &history.Detached{Salt: [history.SaltSize]byte{1}, Structure: canon.AppendUint(nil, 5)},
	}
	meta := history.Meta{
		Message: "why", Undo: "g1", App: must(canon.FromJSON([]byte(`{"k":1}`))),
		Other: []canon.Entry{{Key: "z", Value: canon.Null()}},
	}
	v := must(history.New(history.Draft{
		Space: testSpace, Author: author(0), Time: 1, Meta: meta,
		Ops: []history.Op{put("n/1", "1"), unknown, structured, detached("n/2", "2", 9)},
	}))
	if v.Seq != 7 || v.Width != 7 || v.OpCount() != 4 {
		t.Errorf("seq %d, width %d, %d ops", v.Seq, v.Width, v.OpCount())
	}
	var got []history.Op
	for _, op := range v.Ops() {
		got = append(got, op)
	}
	if len(got) != 4 || got[1].Code != 99 || got[1].Width != 3 || !bytes.Equal(got[1].Body, unknown.Body) {
		t.Errorf("ops %+v", got)
	}
	if s := got[2]; s.Detached == nil || !bytes.Equal(s.Detached.Structure, structured.Detached.Structure) ||
		!bytes.Equal(s.Body, structured.Body) {
		t.Errorf("structured op %+v", s)
	}
	if s := got[3]; s.Detached == nil || s.Detached.Structure != nil || s.Detached.Salt[0] != 9 {
		t.Errorf("detached op %+v", s)
	}
	m := v.Meta()
	if m.Message != "why" || m.Undo != "g1" || string(m.App.AppendJSON(nil)) != `{"k":1}` || len(m.Other) != 1 || m.Other[0].Key != "z" {
		t.Errorf("meta %+v", m)
	}
}

// TestStructureIsOfTheBody makes detached ops of codes that have a structure: whoever made them need not say it.
func TestStructureIsOfTheBody(t *testing.T) {
	for _, op := range []crdt.Op{
		must(crdt.TextSplice("t/1", 3, 2, "añ")), must(crdt.ListSplice("t/1", 3, 2, []crdt.Value{canon.Null()})),
		must(crdt.ListMove("t/1", 3, 2)), must(crdt.ListReplace("t/1", 3, canon.Null())), must(crdt.Put("t/1", canon.Null())),
	} {
		v := must(history.New(history.Draft{
			Space: testSpace, Author: author(0), Time: 1, Ops: []history.Op{{Op: op, Detached: &history.Detached{Structure: []byte{1}}}},
		}))
		if v.Width != op.Width {
			t.Errorf("%s: %d dots, want %d", op.Code, v.Width, op.Width)
		}
		if err := v.Check(); err != nil {
			t.Errorf("%s: %v", op.Code, err)
		}
		for _, got := range v.Ops() {
			if !bytes.Equal(got.Detached.Structure, crdt.Structure(op.Code, op.Body)) || !bytes.Equal(got.Body, op.Body) {
				t.Errorf("%s: %+v", op.Code, got)
			}
		}
	}
}

// TestJoinVersionOwnsOneDot makes a version that only merges.
func TestJoinVersionOwnsOneDot(t *testing.T) {
	w := &writer{author: author(0)}
	w.write(nil, put("n/1", "1"))
	if v := w.write(nil); v.Seq != 2 || v.Width != 1 || v.OpCount() != 0 {
		t.Errorf("%+v", v)
	}
}

// TestNewRefuses lists drafts that no version can be.
func TestNewRefuses(t *testing.T) {
	ref := func(i byte) history.Ref { return history.Ref{Author: author(1), Seq: 1, ID: history.ID{i}} }
	var many []history.Ref
	for i := range history.MaxDeps + 1 {
		many = append(many, ref(byte(i)))
	}
	raw := func(op crdt.Op) []history.Op { return []history.Op{{Op: op}} }
	null := canon.AppendNil(nil)
	big := put("n/1", `"`+strings.Repeat("x", history.MaxVersion)+`"`)
	bigDetached := big
	bigDetached.Detached = &history.Detached{}
	erase := must(crdt.Erase("n/"+strings.Repeat("k", 900), crdt.Target{Version: clock.Entry{Author: author(1), Seq: 1}}))
	erases := slices.Repeat([]history.Op{{Op: erase}}, 70)
	cases := map[string]struct {
		draft history.Draft
		fault history.Fault
		large bool
	}{
		"too large":               {history.Draft{Ops: []history.Op{big}}, history.FaultLimit, true},
		"too large when detached": {history.Draft{Ops: []history.Op{bigDetached}}, history.FaultLimit, true},
		"too many parents":        {history.Draft{Deps: many}, history.FaultLimit, true},
		"a parent twice":          {history.Draft{Deps: []history.Ref{ref(1), ref(1)}}, history.FaultParents, false},
		"prev among the others":   {history.Draft{Prev: ref(1), Deps: []history.Ref{ref(1)}}, history.FaultParents, false},
		"seq beyond 63 bits":      {history.Draft{Prev: history.Ref{Seq: history.MaxSeq, ID: history.ID{1}}}, history.FaultLimit, true},
		"time beyond 63 bits":     {history.Draft{Time: 1 << 63}, history.FaultTime, false},
		"no width":                {history.Draft{Ops: raw(crdt.Op{Code: 99, Key: "n/1", Body: null})}, history.FaultOp, false},
		"too wide":                {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1 << 21, Key: "n/1", Body: null})}, history.FaultLimit, true},
		"a put of two dots":       {history.Draft{Ops: raw(crdt.Op{Code: crdt.CodePut, Width: 2, Key: "n/1", Body: null})}, history.FaultOp, false},
		"a body of two items":     {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n/1", Body: []byte{0xc0, 0xc0}})}, 0, false},
		"a body that is no value": {history.Draft{Ops: raw(crdt.Op{Code: crdt.CodePut, Width: 1, Key: "n/1", Body: canon.AppendFloat(nil, 1)})}, history.FaultOp, false},
		"a delete with a body":    {history.Draft{Ops: raw(crdt.Op{Code: crdt.CodeDelete, Width: 1, Key: "n/1", Body: canon.AppendUint(nil, 1)})}, history.FaultOp, false},
		"a key without namespace": {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n", Body: null})}, history.FaultKey, false},
		"a key without name":      {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n/", Body: null})}, history.FaultKey, false},
		"a key of no namespace":   {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "/n", Body: null})}, history.FaultKey, false},
		"an erase without target": {history.Draft{Ops: raw(crdt.Op{Code: crdt.CodeErase, Width: 1, Key: "n/1", Body: null})}, history.FaultOp, false},
		"an erase to be erased":   {history.Draft{Ops: []history.Op{{Op: erase, Detached: &history.Detached{}}}}, history.FaultOp, false},
		"too large for a proof":   {history.Draft{Ops: erases}, history.FaultLimit, true},
		"a splice of other dots":  {history.Draft{Ops: raw(crdt.Op{Code: crdt.CodeTextSplice, Width: 2, Key: "n/1", Body: []byte{0x93, 0, 0, 0xa1, 'x'}})}, history.FaultOp, false},
		"a key with a newline":    {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n/\n", Body: null})}, history.FaultKey, false},
		"a key with C1":           {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n/\u0085", Body: null})}, history.FaultKey, false},
		"a key that is too long":  {history.Draft{Ops: raw(crdt.Op{Code: 99, Width: 1, Key: "n/" + strings.Repeat("k", 1023), Body: null})}, history.FaultKey, false},
		"app metadata no map":     {history.Draft{Meta: history.Meta{App: canon.Null()}}, history.FaultMeta, false},
		"a message not UTF-8":     {history.Draft{Meta: history.Meta{Message: "\xff"}}, history.FaultMeta, false},
	}
	for name, c := range cases {
		c.draft.Space, c.draft.Author = testSpace, author(0)
		_, err := history.New(c.draft)
		if !errors.Is(err, history.ErrInvalid) || c.fault != 0 && fault(err) != c.fault {
			t.Errorf("%s: %v, want fault %v", name, err, c.fault)
		}
		if errors.Is(err, history.ErrTooLarge) != c.large {
			t.Errorf("%s: ErrTooLarge in %v is not %v", name, err, c.large)
		}
	}
}

// TestTooManyOps is the limit of op records from both sides.
func TestTooManyOps(t *testing.T) {
	ops := make([]history.Op, history.MaxOps+1)
	for i := range ops {
		ops[i] = history.Op{Op: crdt.Op{Code: crdt.CodeDelete, Width: 1, Key: "n/k", Body: canon.AppendNil(nil)}}
	}
	_, err := history.New(history.Draft{Space: testSpace, Author: author(0), Ops: ops})
	if !errors.Is(err, history.ErrTooLarge) || !strings.Contains(err.Error(), "65536") || !strings.Contains(err.Error(), "65537") {
		t.Errorf("%v", err)
	}
	v, err := history.New(history.Draft{Space: testSpace, Author: author(0), Ops: ops[1:]})
	if err != nil || v.Width != history.MaxOps {
		t.Errorf("as many as allowed: %v", err)
	}
}

// TestSizeIsExact holds the size that counts against the limit to the real bytes, at the limit itself.
func TestSizeIsExact(t *testing.T) {
	var deps []history.Ref
	for i := range 20 {
		deps = append(deps, history.Ref{Author: author(1), Seq: uint64(i), ID: history.ID{byte(i + 1)}})
	}
	w := &writer{author: author(0)}
	for _, n := range []int{0, 1, 15, 16, 20} {
		v := w.write(deps[:n], put("n/1", `"x"`), detached("n/2", `"abc"`, 1))
		want := len(v.AppendHeader(nil)) + len(v.Payload) + len(v.Contents[0].Body)
		if got := v.Size(); got != uint64(want) {
			t.Errorf("%d deps: size %d, want %d", n, got, want)
		}
	}
	fill := func(n int) (history.Version, error) {
		return history.New(history.Draft{
			Space: testSpace, Author: author(0), Time: 1,
			Ops: []history.Op{put("n/1", `"`+strings.Repeat("x", n)+`"`)},
		})
	}
	const long = 100_000
	v := must(fill(long))
	rest := int(v.Size()) - long // header, and payload but for the text
	if v, err := fill(history.MaxVersion - rest); err != nil || v.Size() != history.MaxVersion {
		t.Errorf("at the limit: %d, %v", v.Size(), err)
	}
	if _, err := fill(history.MaxVersion - rest + 1); !errors.Is(err, history.ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestCheckTime is the rule of times over all parents.
func TestCheckTime(t *testing.T) {
	cases := []struct {
		time    clock.Time
		parents []clock.Time
		valid   bool
	}{
		{1, nil, true},
		{0, nil, false},
		{10, []clock.Time{9, 3}, true},
		{10, []clock.Time{3, 10}, false},
		{clock.MaxTime, nil, true},
		{clock.MaxTime + 1, nil, false},
		{clock.MaxTime + 6, []clock.Time{clock.MaxTime + 5}, true},
		{clock.MaxTime + 7, []clock.Time{clock.MaxTime + 5}, false},
	}
	for _, c := range cases {
		v := history.Version{Time: c.time}
		err := v.CheckTime(c.parents...)
		if (err == nil) != c.valid || err != nil && fault(err) != history.FaultTime {
			t.Errorf("time %d after %v: %v", c.time, c.parents, err)
		}
	}
}

// TestCheckFindsAnyFlippedBit flips each bit of what is stored of a version.
func TestCheckFindsAnyFlippedBit(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write([]history.Ref{{Author: author(1), Seq: 3, ID: history.ID{9}}}, put("n/1", `{"a":1}`), detached("n/2", `"abc"`, 1))
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	flip := func(name string, b []byte, of *history.Version) {
		for i := range b {
			for bit := range 8 {
				b[i] ^= 1 << bit
				if of.Check() == nil {
					t.Errorf("%s: byte %d bit %d is not found", name, i, bit)
				}
				b[i] ^= 1 << bit
			}
		}
	}
	c := v.Clone()
	flip("payload", c.Payload, &c)
	flip("content", c.Contents[0].Body, &c)
	flip("salt", c.Contents[0].Salt[:], &c)
	flip("prev", c.Prev[:], &c)
	flip("dep", c.Deps[0].ID[:], &c)
	flip("id", c.ID[:], &c)
	c.Time++
	if c.Check() == nil {
		t.Error("another time is not found")
	}
}

// TestAnyPayloadIsJudgedOnce holds what New makes and what a Decoder accepts to the same rules.
func TestAnyPayloadIsJudgedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{author: author(0)}
		v := w.write(nil, put("n/1", `"abcdefgh"`))
		run := must(history.EncodeRun([]history.Version{v}))
		at := bytes.Index(run, v.Payload)
		i := rapid.IntRange(0, len(v.Payload)-1).Draw(t, "byte")
		run[at+i] = rapid.Byte().Draw(t, "value")
		read, err := history.DecodeRun(testSpace, run)
		if err != nil {
			if !errors.Is(err, history.ErrInvalid) {
				t.Fatalf("a bad payload is a verdict on the version: %v", err)
			}
			return
		}
		var ops []history.Op
		for _, op := range read[0].Ops() {
			ops = append(ops, op)
		}
		made, err := history.New(history.Draft{
			Space: testSpace, Author: author(0), Time: v.Time, Ops: ops, Meta: read[0].Meta(),
		})
		if err != nil || made.ID != read[0].ID {
			t.Fatalf("accepted when read, not when made: %v", err)
		}
	})
}
