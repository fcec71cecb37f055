package crdt

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// bytesKey is the member name that makes an object a leaf: as the only member it would be the text of bytes, so merging
// must neither add nor take away members of an object that has it (see package canon, invariant 9).
const bytesKey = "$bytes"

// edit is an Edit with its path as a pointer.
type edit struct {
	path  string
	value Value // nil: removed
}

// Edits returns the lines of a patch op, by ascending path. Values alias the body. The error wraps ErrOp.
func (op *Op) Edits() ([]Edit, error) {
	edits, err := readPatch(op.Body)
	if err != nil {
		return nil, err
	}
	out := make([]Edit, len(edits))
	for i, e := range edits {
		path, err := ParsePointer(e.path)
		if err != nil {
			return nil, err
		}
		out[i] = Edit{Path: path, Value: e.value}
	}
	return out, nil
}

// Amount returns the operand of an add op. The error wraps ErrOp.
func (op *Op) Amount() (int64, error) { return readAmount(op.Body) }

// Elements returns the operands of a set-add or set-remove op in ascending order. They alias the body. The error wraps
// ErrOp.
func (op *Op) Elements() ([]Value, error) { return readElements(op.Code, op.Body) }

// Sides returns the versions that a resolve op names. The error wraps ErrOp.
func (op *Op) Sides() ([]clock.Entry, error) { return readSides(op.Body) }

// appendPatch appends a patch body: [[removed path, …], path, value, path, value, …], all paths ascending. It is flat so
// that it nests no deeper than the record.
func appendPatch(b []byte, edits []Edit) ([]byte, error) {
	var removed []string
	var set []edit
	for _, e := range edits {
		p := Pointer(e.Path)
		if e.Value == nil {
			removed = append(removed, p)
			continue
		}
		if err := canon.Check(e.Value); err != nil {
			return nil, opError(CodePatch, "the value at "+p, err)
		}
		set = appendLeaves(set, p, e.Value)
	}
	order.Sort(removed, comparePaths)
	order.Sort(set, func(x, y edit) int { return comparePaths(x.path, y.path) })
	b = canon.AppendArray(b, 1+2*len(set))
	b = canon.AppendArray(b, len(removed))
	for _, p := range removed {
		b = canon.AppendString(b, p)
	}
	for _, e := range set {
		b = append(canon.AppendString(b, e.path), e.value...)
	}
	return b, nil
}

// isContainer reports whether v is an object that is laid out as its members.
func isContainer(v Value) bool {
	if v.Type() != canon.TypeMap {
		return false
	}
	_, opaque := v.Get(bytesKey)
	return !opaque
}

// isEmptyObject reports whether v is {}.
func isEmptyObject(v Value) bool { return v.Type() == canon.TypeMap && v.Len() == 0 }

// appendLeaves lays v out as leaves at and below p, in the order of the maps.
func appendLeaves(dst []edit, p string, v Value) []edit {
	if !isContainer(v) || isEmptyObject(v) {
		return append(dst, edit{path: p, value: v})
	}
	for key, member := range v.Entries() {
		dst = appendLeaves(dst, child(p, key), member)
	}
	return dst
}

// readPatch decodes a patch body. The edits ascend by path; values alias the body.
func readPatch(body []byte) ([]edit, error) {
	var edits []edit
	err := walkPatch(body, func(path []byte, value Value) {
		edits = append(edits, edit{path: string(path), value: value})
	})
	return edits, err
}

// walkPatch checks a patch body and calls visit with its lines by ascending path, value nil for a removed one. It
// allocates nothing. The lines before an error have been visited.
func walkPatch(body []byte, visit func(path []byte, value Value)) error {
	r := canon.NewReader(body)
	items, _ := r.Array()
	gone, err := r.Array()
	if err != nil || items%2 == 0 {
		return opError(CodePatch, "its body must be an array: removed paths, then pairs of path and value", err)
	}
	if items == 1 && gone == 0 {
		return opError(CodePatch, "it must change something", nil)
	}
	w := patchWalk{removed: r, set: r, gone: gone, left: items / 2}
	for range gone {
		_ = w.set.Skip()
	}
	if err := w.start(); err != nil {
		return err
	}
	var last []byte
	for i := 0; w.more(); i++ {
		path, value := w.head()
		if i > 0 && comparePaths(last, path) > 0 {
			return opError(CodePatch, "its paths must ascend", nil)
		}
		if i > 0 && isWithin(path, last) {
			return opError(CodePatch, "the path \""+string(path)+"\" is the same as or below \""+string(last)+"\"", nil)
		}
		visit(path, value)
		last = path
		if err := w.advance(); err != nil {
			return err
		}
	}
	if err := w.set.End(); err != nil {
		return opError(CodePatch, "its body", err)
	}
	return nil
}

// patchWalk merges the two ascending lists of a patch body: removed paths, and pairs of path and value.
type patchWalk struct {
	removed, set canon.Reader
	gone, left   int // how many of each are not passed yet, the heads included
	removedHead  []byte
	setHead      []byte
	value        Value
}

func (w *patchWalk) more() bool { return w.gone > 0 || w.left > 0 }

// start reads the heads of both lists.
func (w *patchWalk) start() error {
	if err := w.nextRemoved(); err != nil {
		return err
	}
	return w.nextSet()
}

func (w *patchWalk) removedIsFirst() bool {
	return w.left == 0 || w.gone > 0 && comparePaths(w.removedHead, w.setHead) < 0
}

func (w *patchWalk) head() ([]byte, Value) {
	if w.removedIsFirst() {
		return w.removedHead, nil
	}
	return w.setHead, w.value
}

func (w *patchWalk) advance() error {
	if w.removedIsFirst() {
		w.gone--
		return w.nextRemoved()
	}
	w.left--
	return w.nextSet()
}

func (w *patchWalk) nextRemoved() (err error) {
	if w.gone > 0 {
		w.removedHead, _, err = readPath(&w.removed)
	}
	return err
}

func (w *patchWalk) nextSet() (err error) {
	if w.left > 0 {
		w.setHead, w.value, err = readLeaf(&w.set)
	}
	return err
}

func readPath(r *canon.Reader) (path []byte, depth int, err error) {
	path, err = r.StringBytes()
	if err != nil {
		return nil, 0, opError(CodePatch, "a path", err)
	}
	depth, ok := pointerDepth(path)
	switch {
	case !ok || depth == 0:
		err = opError(CodePatch, "the path \""+string(path)+"\" must be a JSON pointer below the root (put replaces the whole)", nil)
	case depth > canon.MaxDepth:
		err = opError(CodePatch, "the path \""+string(path)+"\" is more than 32 keys long", nil)
	case hasSegment(path, bytesKey):
		err = opError(CodePatch, "the path \""+string(path)+"\" leads through \"$bytes\": write the object that has it as a whole", nil)
	}
	return path, depth, err
}

func readLeaf(r *canon.Reader) ([]byte, Value, error) {
	path, depth, err := readPath(r)
	if err != nil {
		return nil, nil, err
	}
	v, err := r.Value()
	switch {
	case err != nil:
		err = opError(CodePatch, "the value at "+string(path), err)
	case isContainer(v) && !isEmptyObject(v):
		err = opError(CodePatch, "the object at "+string(path)+" is not laid out as its members", nil)
	case depth+depthOf(v) > canon.MaxDepth:
		err = opError(CodePatch, "the value at "+string(path)+" nests more than 32 deep", nil)
	}
	return path, v, err
}

// depthOf is how deep a checked value nests: 0 for a scalar.
func depthOf(v Value) int {
	r := canon.NewReader(v)
	return readDepth(&r)
}

func readDepth(r *canon.Reader) int {
	items, keyed := 0, false
	switch r.Peek() {
	case canon.TypeArray:
		items, _ = r.Array()
	case canon.TypeMap:
		items, _ = r.Map()
		keyed = true
	default:
		_ = r.Skip()
		return 0
	}
	deepest := 0
	for range items {
		if keyed {
			_ = r.Skip()
		}
		deepest = max(deepest, readDepth(r))
	}
	return 1 + deepest
}

func readAmount(body []byte) (int64, error) {
	r := canon.NewReader(body)
	n, _ := r.Int()
	if err := r.End(); err != nil {
		return 0, opError(CodeAdd, "its body must be an integer", err)
	}
	if n < -maxOperand || n > maxOperand {
		return 0, opError(CodeAdd, "its amount is beyond 2^53-1", nil)
	}
	return n, nil
}

func appendElements(b []byte, elements []Value) []byte {
	sorted := slices.Clone(elements)
	order.Sort(sorted, canon.Compare)
	sorted = slices.CompactFunc(sorted, equalValues)
	b = canon.AppendArray(b, len(sorted))
	for _, v := range sorted {
		b = append(b, v...)
	}
	return b
}

func readElements(code Code, body []byte) ([]Value, error) {
	if err := checkElements(code, body); err != nil {
		return nil, err
	}
	return slices.AppendSeq(make([]Value, 0, Value(body).Len()), Value(body).Elements()), nil
}

func checkElements(code Code, body []byte) error {
	if err := canon.Check(body); err != nil {
		return opError(code, "its body must be an array of elements", err)
	}
	if set := Value(body); set.Type() != canon.TypeArray || set.Len() == 0 {
		return opError(code, "its body must be an array of one element at least", nil)
	}
	var last Value
	for v := range Value(body).Elements() {
		if last != nil && canon.Compare(last, v) >= 0 {
			return opError(code, "its elements must be unique and ascend", nil)
		}
		last = v
	}
	return nil
}

func readSides(body []byte) ([]clock.Entry, error) {
	r := canon.NewReader(body)
	sides, err := clock.ReadVector(&r)
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, opError(CodeResolve, "its body must be the versions that it resolves", err)
	}
	if len(sides) == 0 {
		return nil, opError(CodeResolve, "it must name a version", nil)
	}
	return sides, nil
}
