package replica

import (
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// textOrNothing reports whether a view shows a text, or nothing at all.
func textOrNothing(view *crdt.View) bool { return view.Kind == crdt.KindText || !shows(view) }

// textSplices are what makes the text that a key showed at one point the one that it showed at another.
func (s *snap) textSplices(key string, from, to point, before, after *crdt.View) ([]sequence.Splice, error) {
	edits := between(before.Value, after.Value)
	if before.Kind == crdt.KindText && after.Kind == crdt.KindText { // else a document may keep what was not shown any more
		done, err := s.editsBetween(docID{key, crdt.KindText}, from, to)
		if err != nil {
			return nil, err
		}
		old, _ := before.Value.AsString()
		edits, _ = refine(old, done)
	}
	splices := make([]sequence.Splice, len(edits))
	for i := range edits {
		splices[i] = edits[i].splice()
	}
	return splices, nil
}

// refine is edits of a text, which come one after the other from its start on, less what somebody took out and somebody put back,
// and what they make of the text.
func refine(text string, edits []edit) (fine []edit, result string) {
	var b strings.Builder
	pos := 0
	for i := range edits {
		e := &edits[i]
		n := bytesOf(text, e.Pos-pos) // up to the edit the texts are the same; what stands there now is the rest of the old one
		b.WriteString(text[:n])
		b.WriteString(e.text)
		text = text[n:]
		n = bytesOf(text, e.Removed)
		head, gone, come := middle([]rune(text[:n]), []rune(e.text))
		fine = append(fine, splices(textEdit(sequence.Splice{Pos: e.Pos + head, Removed: gone, Text: string(come)}))...)
		text = text[n:]
		pos = e.Pos + utf8.RuneCountInString(e.text)
	}
	b.WriteString(text)
	return fine, b.String()
}

// bytesOf is how many bytes the first n code points of a text take, all if it has fewer.
func bytesOf(text string, n int) (size int) {
	for ; n > 0 && size < len(text); n-- {
		_, k := utf8.DecodeRuneInString(text[size:])
		size += k
	}
	return size
}

// replaced is what takes a document to another one of its place, by the dots of what both show: the newest own events of it are its
// own. Of a list it tells nothing.
func replaced(by, old content, own int) []edit {
	was, isText := old.(textContent)
	is, alsoText := by.(textContent)
	if !isText || !alsoText {
		return nil
	}
	return textEdits(editsOf(sequence.Between(was.Text, is.Text, own)))
}

// turned is how a document that was replaced by another one of its place came to show something else: by the edits, where they lead
// there.
func turned(before, after canon.Value, edits []edit) []edit {
	was, isText := before.AsString()
	is, alsoText := after.AsString()
	if isText && alsoText {
		if fine, result := refine(was, composeSplices(edits, nil)); result == is {
			return fine
		}
		// A dot does not mean what it did: contents were erased, or lines of an author are numbered otherwise now.
	}
	return between(before, after)
}
