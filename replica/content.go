package replica

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// content is what the versions on a key come to: a text or a list.
type content interface {
	Len() int
	Log() *sequence.Log
	Load(past *sequence.Log) error
	AppendSnapshot(b []byte) []byte
	Anchor(pos int, side sequence.Side) (sequence.Anchor, error)
	Position(sequence.Anchor) (int, error)
	Seen(has func(sequence.Dot) bool) (sequence.Version, error)
	// Blame is who wrote what there is, from its start on.
	Blame() iter.Seq[sequence.Run]

	// edit does what somebody did who sees all of it, apply what anybody did. The dot is the first of the edit's.
	edit(dot sequence.Dot, e *edit) error
	apply(dot sequence.Dot, e *edit) ([]edit, error)
	merge(*sequence.Log) error
	at(sequence.Version) (content, error)
	// diff is edits, one after the other, that take what one version shows to what another one does.
	diff(a, b sequence.Version) ([]edit, error)
	// value is what it says, weight about how many bytes it takes.
	value() canon.Value
	weight() int
	// blame appends the lines of what a version wrote: from … to−1.
	blame(lines []BlameLine, from, to int, by Version) []BlameLine
}

var (
	_ content = textContent{}
	_ content = listContent{}
)

func newContent(kind crdt.Kind, h sequence.History) content {
	if kind == crdt.KindList {
		return listContent{sequence.NewList(h)}
	}
	return textContent{sequence.NewText(h)}
}

// openContent reads a snapshot. One of the other kind is sequence.ErrEncoding, too.
func openContent(kind crdt.Kind, snapshot []byte, h sequence.History) (content, error) {
	if kind == crdt.KindList {
		l, err := sequence.OpenList(snapshot, h)
		return listContent{l}, err
	}
	t, err := sequence.OpenText(snapshot, h)
	return textContent{t}, err
}

type textContent struct{ *sequence.Text }

func (t textContent) edit(dot sequence.Dot, e *edit) error { return t.Splice(dot, e.splice()) }

func (t textContent) apply(dot sequence.Dot, e *edit) ([]edit, error) {
	done, err := t.Apply(sequence.Op{Dot: dot, Splice: e.splice()})
	return textEdits(done), err
}

func textEdits(all []sequence.Edit) []edit {
	edits := make([]edit, len(all))
	for i, e := range all {
		edits[i] = textEdit(sequence.Splice(e))
	}
	return edits
}

func (t textContent) merge(log *sequence.Log) error {
	_, err := t.Merge(log)
	return err
}

func (t textContent) at(v sequence.Version) (content, error) {
	old, err := t.At(v)
	return textContent{old}, err
}

func (t textContent) diff(a, b sequence.Version) ([]edit, error) {
	delta, err := t.Diff(a, b)
	return textEdits(editsOf(delta)), err
}

func (t textContent) value() canon.Value { return canon.AppendString(nil, t.String()) }

func (t textContent) weight() int { return 4*t.LenBytes() + 4*t.Log().Events() }

func (t textContent) blame(lines []BlameLine, from, to int, by Version) []BlameLine {
	text, _ := t.Slice(from, to)
	return append(lines, BlameLine{Value: canon.Value(canon.AppendString(nil, text)).AppendJSON(nil), Version: by})
}

type listContent struct{ *sequence.List }

func (l listContent) edit(dot sequence.Dot, e *edit) error {
	if e.Kind == sequence.ListMove && e.Pos == e.To { // it is no op, wherever it is
		_, _, err := l.Get(e.Pos)
		return err
	}
	return l.Edit(dot, e.ListEdit)
}

func (l listContent) apply(dot sequence.Dot, e *edit) ([]edit, error) {
	done, err := l.Apply(sequence.ListOp{Dot: dot, ListEdit: e.ListEdit})
	return listEdits(done), err
}

func listEdits(all []sequence.ListEdit) []edit {
	edits := make([]edit, len(all))
	for i, e := range all {
		edits[i] = edit{ListEdit: e}
	}
	return edits
}

func (l listContent) merge(log *sequence.Log) error {
	_, err := l.Merge(log)
	return err
}

func (l listContent) at(v sequence.Version) (content, error) {
	old, err := l.At(v)
	return listContent{old}, err
}

func (l listContent) diff(a, b sequence.Version) ([]edit, error) {
	edits, err := l.Diff(a, b)
	return listEdits(edits), err
}

func (l listContent) value() canon.Value {
	b := canon.AppendArray(make([]byte, 0, l.LenBytes()+8), l.Len())
	for _, element := range l.All() {
		b = append(b, element...)
	}
	return b
}

// slice is the items from … to−1, as an array.
func (l listContent) slice(from, to int) (canon.Value, error) {
	if from < 0 || to < from || to > l.Len() {
		return nil, fmt.Errorf("%w: items %d to %d of %d", sequence.ErrPosition, from, to, l.Len())
	}
	b := canon.AppendArray(nil, to-from)
	for i := from; i < to; i++ {
		_, element, _ := l.Get(i)
		b = append(b, element...)
	}
	return b, nil
}

func (l listContent) weight() int { return 2*l.LenBytes() + 64*l.Len() + 16*l.Log().Events() }

func (l listContent) blame(lines []BlameLine, from, to int, by Version) []BlameLine {
	for ; from < to; from++ {
		_, element, _ := l.Get(from)
		lines = append(lines, BlameLine{
			Path: "/" + strconv.Itoa(from), Value: canon.Value(element).AppendJSON(nil), Version: by,
		})
	}
	return lines
}
