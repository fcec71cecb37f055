package crdt

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
)

// maxPosition bounds positions in a text or a list: what an int holds on every machine.
const maxPosition = 1<<31 - 1

// TextSplice returns the op that takes removed code points out of a text, from pos on, and puts text there instead. It
// owns a dot for each code point removed, and one for each inserted. The error wraps ErrKey or ErrOp: for a splice that
// does nothing, and for text that is not UTF-8.
func TextSplice(key string, pos, removed int, text string) (Op, error) {
	b := make([]byte, 0, len(text)+16)
	b = appendPositions(canon.AppendArray(b, 3), pos, removed)
	return checked(CodeTextSplice, key, canon.AppendString(b, text))
}

// ListSplice returns the op that takes removed elements out of a list, from pos on, and puts elements there instead. It owns
// a dot for each element removed, and one for each inserted. The error wraps ErrKey or ErrOp.
func ListSplice(key string, pos, removed int, elements []Value) (Op, error) {
	b := appendPositions(canon.AppendArray(nil, 2+len(elements)), pos, removed)
	return checked(CodeListSplice, key, append(b, slices.Concat(elements...)...))
}

// ListMove returns the op that takes the element at from out of a list and puts it where it then is at to: the same
// element, in another place. The error wraps ErrKey or ErrOp.
func ListMove(key string, from, to int) (Op, error) {
	return checked(CodeListMove, key, appendPositions(canon.AppendArray(nil, 2), from, to))
}

// ListReplace returns the op that gives the element of a list at pos another content. It stays the same element. The error
// wraps ErrKey or ErrOp.
func ListReplace(key string, pos int, element Value) (Op, error) {
	b := appendPositions(canon.AppendArray(nil, 2), pos)
	return checked(CodeListReplace, key, append(b, element...))
}

func appendPositions(b []byte, positions ...int) []byte {
	for _, p := range positions {
		b = canon.AppendInt(b, int64(p))
	}
	return b
}

// TextSplice returns the operands of a text-splice op. The text aliases the body. The error wraps ErrOp.
func (op *Op) TextSplice() (pos, removed int, text string, err error) {
	e, err := readSequenceOp(op.Code, op.Body, CodeTextSplice)
	if err != nil {
		return 0, 0, "", err
	}
	text, err = e.content.StringView()
	return e.pos, e.second, text, err
}

// ListSplice returns the operands of a list-splice op. The elements alias the body. The error wraps ErrOp.
func (op *Op) ListSplice() (pos, removed int, elements []Value, err error) {
	e, err := readSequenceOp(op.Code, op.Body, CodeListSplice)
	if err != nil {
		return 0, 0, nil, err
	}
	elements = make([]Value, e.inserted)
	for i := range elements {
		elements[i], _ = e.content.Value()
	}
	return e.pos, e.second, elements, nil
}

// ListMove returns the operands of a list-move op. The error wraps ErrOp.
func (op *Op) ListMove() (from, to int, err error) {
	e, err := readSequenceOp(op.Code, op.Body, CodeListMove)
	return e.pos, e.second, err
}

// ListReplace returns the operands of a list-replace op. The element aliases the body. The error wraps ErrOp.
func (op *Op) ListReplace() (pos int, element Value, err error) {
	e, err := readSequenceOp(op.Code, op.Body, CodeListReplace)
	if err != nil {
		return 0, nil, err
	}
	element, err = e.content.Value()
	return e.pos, element, err
}

// sequenceOp is the body of an op on a text or a list, or the structure of one, taken apart.
type sequenceOp struct {
	pos      int
	second   int          // how many elements a splice removes, where a move leads to
	inserted int          // code points or elements that a splice inserts
	content  canon.Reader // stands before the text or the elements
}

// dots is how many dots the op owns.
func (e *sequenceOp) dots(code Code) uint64 {
	if code == CodeTextSplice || code == CodeListSplice {
		return uint64(e.second) + uint64(e.inserted)
	}
	return 1
}

// check is nil unless the op does nothing, wherever it is done.
func (e *sequenceOp) check(code Code) error {
	switch {
	case e.dots(code) == 0:
		return opError(code, "it must remove or insert something", nil)
	case code == CodeListMove && e.pos == e.second:
		return opError(code, "it must lead to another position", nil)
	}
	return nil
}

// sequenceForm says in errors what the body of a code is.
func sequenceForm(code Code) string {
	switch code {
	case CodeTextSplice:
		return "[position, code points removed, text]"
	case CodeListSplice:
		return "[position, elements removed, element, …]"
	case CodeListMove:
		return "[from, to]"
	default:
		return "[position, element]"
	}
}

// positions is how many positions and counts the body of a code starts with.
func positions(code Code) int {
	if code == CodeListReplace {
		return 1
	}
	return 2
}

// readSequenceOp checks the body of an op on a text or a list and takes it apart. Code must be want.
func readSequenceOp(code Code, body []byte, want Code) (sequenceOp, error) {
	refuse := func(cause error) (sequenceOp, error) {
		return sequenceOp{}, opError(want, "its body must be "+sequenceForm(want), cause)
	}
	if code != want {
		return refuse(nil)
	}
	if err := canon.Check(body); err != nil {
		return refuse(err)
	}
	var e sequenceOp
	r := canon.NewReader(body)
	items, err := r.Array()
	if err != nil {
		return refuse(err)
	}
	rest := items - positions(code)
	switch code {
	case CodeTextSplice, CodeListReplace:
		if rest != 1 {
			return refuse(nil)
		}
	case CodeListMove:
		if rest != 0 {
			return refuse(nil)
		}
	}
	if err := e.readPositions(&r, code); err != nil {
		return sequenceOp{}, err
	}
	e.content = r
	switch code {
	case CodeTextSplice:
		text, err := r.StringBytes()
		if err != nil {
			return refuse(err)
		}
		e.inserted = utf8.RuneCount(text)
	case CodeListSplice:
		e.inserted = rest
	}
	if err := e.check(code); err != nil {
		return sequenceOp{}, err
	}
	return e, nil
}

// readPositions reads what the body, and the structure, of a code start with.
func (e *sequenceOp) readPositions(r *canon.Reader, code Code) (err error) {
	if e.pos, err = readPosition(r, code); err == nil && positions(code) > 1 {
		e.second, err = readPosition(r, code)
	}
	return err
}

func readPosition(r *canon.Reader, code Code) (int, error) {
	n, err := r.Uint()
	switch {
	case err != nil:
		return 0, opError(code, "a position", err)
	case n > maxPosition:
		return 0, opError(code, "the position "+strconv.FormatUint(n, 10)+" is beyond 2^31-1", nil)
	}
	return int(n), nil
}

// Structure is what must survive of an op when its body is erased: positions and lengths, of the ops on texts and lists. It is
// nil for all other ops, and for a body that its code cannot have.
func Structure(code Code, body []byte) []byte {
	if !code.isSequence() {
		return nil
	}
	e, err := readSequenceOp(code, body, code)
	if err != nil {
		return nil
	}
	switch code {
	case CodeListMove:
		return appendPositions(canon.AppendArray(nil, 2), e.pos, e.second)
	case CodeListReplace:
		return appendPositions(canon.AppendArray(nil, 1), e.pos)
	default:
		return appendPositions(canon.AppendArray(nil, 3), e.pos, e.second, e.inserted)
	}
}

// CheckStructure is nil if structure is the one canonical form of what Structure returns for the code, of an op that owns
// width dots; those of codes that are not Known are not looked into. The error wraps ErrOp.
func CheckStructure(code Code, width uint64, structure []byte) error {
	switch {
	case !code.Known():
		return nil
	case !code.isSequence():
		if len(structure) > 0 {
			return opError(code, "it must not have a structure beside its body", nil)
		}
		return checkWidth(code, width, 1)
	}
	e, err := readStructure(code, structure)
	if err != nil {
		return err
	}
	return checkWidth(code, width, e.dots(code))
}

// Blank is the body that stands for an erased one: as many U+FFFD as there were code points, null for each element. So what was
// written around them stays where it is. Of codes that have no structure it is nil. The error is that of CheckStructure.
func Blank(code Code, width uint64, structure []byte) ([]byte, error) {
	if err := CheckStructure(code, width, structure); err != nil || !code.isSequence() {
		return nil, err
	}
	e, _ := readStructure(code, structure)
	switch code {
	case CodeListMove:
		return structure, nil
	case CodeListReplace:
		return canon.AppendNil(appendPositions(canon.AppendArray(nil, 2), e.pos)), nil
	case CodeListSplice:
		b := appendPositions(canon.AppendArray(nil, 2+e.inserted), e.pos, e.second)
		return append(b, bytes.Repeat(canon.Null(), e.inserted)...), nil
	default:
		b := appendPositions(canon.AppendArray(nil, 3), e.pos, e.second)
		return canon.AppendString(b, strings.Repeat(string(utf8.RuneError), e.inserted)), nil
	}
}

func readStructure(code Code, structure []byte) (sequenceOp, error) {
	want := positions(code)
	splice := code == CodeTextSplice || code == CodeListSplice
	if splice {
		want++
	}
	var e sequenceOp
	r := canon.NewReader(structure)
	if items, err := r.Array(); err != nil || items != want {
		return e, opError(code, "its structure must be an array of "+strconv.Itoa(want)+" numbers", err)
	}
	err := e.readPositions(&r, code)
	if err == nil && splice {
		e.inserted, err = readPosition(&r, code)
	}
	if err == nil {
		err = e.check(code)
	}
	if err == nil {
		if err = r.End(); err != nil {
			err = opError(code, "its structure", err)
		}
	}
	return e, err
}
