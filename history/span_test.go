package history_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/history"
)

// spans yields rows as a store would.
func spans(rows ...history.Span) func(func(history.Span, error) bool) {
	return func(yield func(history.Span, error) bool) {
		for _, s := range rows {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// TestLoadRefuses lists rows that make no graph.
func TestLoadRefuses(t *testing.T) {
	first := history.Span{Line: 0, Seq: 1, LV: 1}
	second := history.Span{Line: 1, Seq: 1, LV: 4, Parents: []history.LV{2}}
	cases := map[string]struct {
		rows []history.Span
		next history.LV
	}{
		"no rows, but versions":     {nil, 5},
		"not from the start":        {[]history.Span{second}, 6},
		"no length":                 {[]history.Span{first, {Line: 1, Seq: 1, LV: 1}}, 6},
		"next before the last":      {[]history.Span{first, second}, 4},
		"a line that is not there":  {[]history.Span{first, {Line: 9, Seq: 1, LV: 4}}, 6},
		"a dot that does not go on": {[]history.Span{first, {Line: 0, Seq: 9, LV: 4, Parents: []history.LV{3}}}, 6},
		"without previous version":  {[]history.Span{first, second, {Line: 0, Seq: 4, LV: 6, Parents: []history.LV{4}}}, 8},
		"a parent that comes later": {[]history.Span{first, {Line: 1, Seq: 1, LV: 4, Parents: []history.LV{4}}}, 6},
		"a branch without a start":  {[]history.Span{first, {Line: 2, Seq: 8, LV: 4, Parents: []history.LV{3}}}, 6},
	}
	for name, c := range cases {
		g := history.NewGraph()
		g.AddLine(history.LineInfo{Author: author(0)})
		g.AddLine(history.LineInfo{Author: author(1)})
		g.AddLine(history.LineInfo{Author: author(0), Fork: history.ID{1}, Parent: 0, ForkSeq: 7})
		if err := g.Load(spans(c.rows...), c.next, nil); !errors.Is(err, history.ErrGraph) {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := history.NewGraph()
	g.AddLine(history.LineInfo{Author: author(0)})
	g.AddLine(history.LineInfo{Author: author(1)})
	if err := g.Load(spans(first, second), 6, nil); err != nil || !slices.Equal(g.Heads(), []history.LV{3, 5}) {
		t.Errorf("sound rows: heads %v, %v", g.Heads(), err)
	}
	wrong := errors.New("the disk")
	failing := func(yield func(history.Span, error) bool) { yield(history.Span{}, wrong) }
	if err := g.Load(failing, 6, nil); !errors.Is(err, wrong) {
		t.Errorf("the error of the rows: %v", err)
	}
}

func FuzzDecodeSpan(f *testing.F) {
	f.Add(history.AppendSpan(nil, history.Span{Line: 3, Seq: 300, LV: 70_000, Parents: []history.LV{1, 69_999}}))
	f.Add(history.AppendSpan(nil, history.Span{LV: 1, Seq: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := history.DecodeSpan(b)
		if err != nil {
			if !errors.Is(err, history.ErrGraph) {
				t.Fatalf("%v", err)
			}
			return
		}
		if again := history.AppendSpan(nil, s); !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %+v, which is written as %x", b, s, again)
		}
	})
}

func FuzzDecodePending(f *testing.F) {
	f.Add(pendingRow(history.ReasonMissingParent, 0, 1, 2).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := history.DecodePending(b)
		if err != nil {
			if !errors.Is(err, history.ErrPending) {
				t.Fatalf("%v", err)
			}
			return
		}
		if again := p.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %+v, which is written as %x", b, p, again)
		}
	})
}
