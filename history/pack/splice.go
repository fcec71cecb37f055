package pack

import (
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// A text is typed at the place where it was typed before. So the splices of texts that are inline stand in columns of their own, and
// the place of each is told from where the one before it, of whatever key, ended: behind what it inserted. Most columns
// then repeat, and what is left of a keystroke is its time and its letter.

// splice is the body of a text-splice, taken apart.
type splice struct {
	pos, removed uint64
	text         []byte
}

// end is the position behind what the splice inserted.
func (s *splice) end() uint64 { return s.pos + uint64(utf8.RuneCount(s.text)) }

// append appends the body.
func (s *splice) append(b []byte) []byte {
	b = canon.AppendArray(b, 3)
	b = canon.AppendUint(b, s.pos)
	b = canon.AppendUint(b, s.removed)
	return canon.AppendStringBytes(b, s.text)
}

// isSplice reports whether the body of an op stands in the columns of splices.
func isSplice(code uint64, detached bool) bool {
	return crdt.Code(code) == crdt.CodeTextSplice && !detached
}

// readSplice takes a body apart; ok is false for one that no valid op has.
func readSplice(body []byte) (s splice, ok bool) {
	op := crdt.Op{Code: crdt.CodeTextSplice, Body: body}
	pos, removed, text, err := op.TextSplice()
	if err != nil {
		return s, false
	}
	return splice{pos: uint64(pos), removed: uint64(removed), text: body[len(body)-len(text):]}, true
}

// spliceWriter writes the columns of splices.
type spliceWriter struct {
	offsets, removed, lengths repeater
	text                      []byte
	end                       uint64 // of the splice before
}

func (w *spliceWriter) reset() {
	w.offsets.reset()
	w.removed.reset()
	w.lengths.reset()
	w.text, w.end = w.text[:0], 0
}

func (w *spliceWriter) add(s *splice) {
	w.offsets.add(zigzag(int64(s.pos - w.end)))
	w.removed.add(s.removed)
	w.lengths.add(uint64(len(s.text)))
	w.text = append(w.text, s.text...)
	w.end = s.end()
}

func (w *spliceWriter) fill(cols *[columns][]byte) {
	cols[colOffsets], cols[colRemoved] = w.offsets.column(0), w.removed.column(0)
	cols[colTextLengths], cols[colText] = w.lengths.column(1), w.text
}

// splices is how far the columns of splices were read; it is part of places.
type splices struct {
	offsets, removed, lengths repeated
	text                      span
	end                       uint64
}

func openSplices(cols *[columns]span) splices {
	return splices{
		offsets: optional(cols[colOffsets], 0), removed: optional(cols[colRemoved], 0), lengths: optional(cols[colTextLengths], 1),
		text: cols[colText],
	}
}

// maxSplicePlace is what positions and counts in a splice are at most.
const maxSplicePlace = 1<<31 - 1

// maxOffset is far above the distance from any end to any position, and far below what would overflow.
const maxOffset = 1 << 40

// splice reads the next splice.
func (s *source) splice(at *splices) splice {
	offset, removed := s.repeat(&at.offsets), s.repeat(&at.removed)
	pos := int64(at.end) + unzigzag(offset)
	if offset > maxOffset || pos < 0 || pos > maxSplicePlace || removed > maxSplicePlace {
		s.fail(faultRange)
		return splice{}
	}
	next := splice{pos: uint64(pos), removed: removed, text: s.take(&at.text, s.repeat(&at.lengths))}
	at.end = next.end()
	return next
}

func (at *splices) done() bool {
	return at.offsets.done() && at.removed.done() && at.lengths.done() && at.text.done()
}
