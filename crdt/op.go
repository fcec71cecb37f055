package crdt

import (
	"strconv"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// Value is one canonical value as bytes; see canon.Value.
type Value = canon.Value

// Code is the number of an op's kind. Numbers are frozen: what one means, it means for ever.
type Code uint64

// The codes. CodeAttachment has its place and no meaning here yet; it and every other number are unknown to this version of
// the package.
const (
	CodePut       Code = 1
	CodeDelete    Code = 2
	CodePatch     Code = 3
	CodeAdd       Code = 4
	CodeSetAdd    Code = 5
	CodeSetRemove Code = 6
	CodeResolve   Code = 7
	CodeErase     Code = 8

	CodeTextSplice  Code = 16
	CodeListSplice  Code = 17
	CodeListMove    Code = 18
	CodeListReplace Code = 19
	CodeAttachment  Code = 24
)

// String names the code as logs show it; "unknown" where Known is false.
func (c Code) String() string {
	switch c {
	case CodePut:
		return "put"
	case CodeDelete:
		return "delete"
	case CodePatch:
		return "patch"
	case CodeAdd:
		return "add"
	case CodeSetAdd:
		return "set-add"
	case CodeSetRemove:
		return "set-remove"
	case CodeResolve:
		return "resolve"
	case CodeErase:
		return "erase"
	case CodeTextSplice:
		return "text-splice"
	case CodeListSplice:
		return "list-splice"
	case CodeListMove:
		return "list-move"
	case CodeListReplace:
		return "list-replace"
	default:
		return "unknown"
	}
}

// Known reports whether this package can apply ops of the code.
func (c Code) Known() bool { return c >= CodePut && c <= CodeErase || c.isSequence() }

// Fixed reports whether every op of the code owns exactly one dot and needs no structure beside its body. It holds for
// all codes up to CodeErase.
func (c Code) Fixed() bool { return c >= CodePut && c <= CodeErase }

// isSequence reports whether ops of the code edit a text or a list.
func (c Code) isSequence() bool { return c >= CodeTextSplice && c <= CodeListReplace }

// Op is one edit of one key.
type Op struct {
	Code Code
	// Width is the number of dots that the op owns: for a splice one for each code point or element that it removes or
	// inserts, 1 for every other known code.
	Width uint64
	// Key is NAMESPACE/NAME; see CheckKey.
	Key string
	// Body is one canonical item, whose form the code decides; see the table in the package documentation. nil stands for
	// one that was erased: only Apply takes such an op.
	Body []byte
}

// Edit is one line of a patch: the member at Path gets Value, or is removed where Value is nil.
type Edit struct {
	// Path is the map keys that lead to the member, at least one.
	Path []string
	// Value is what stands there afterwards; nil removes it.
	Value Value
}

// maxOperand bounds the amount of an add.
const maxOperand = canon.MaxInteger

// Put returns the op that replaces the whole value. The error wraps ErrKey or ErrOp.
func Put(key string, value Value) (Op, error) { return checked(CodePut, key, value) }

// Delete returns the op that deletes the key, whatever its kind. The error wraps ErrKey.
func Delete(key string) (Op, error) { return checked(CodeDelete, key, canon.AppendNil(nil)) }

// Patch returns the op that changes members of a record, given in any order. A value that is an object is laid out as
// its members, so that concurrent patches of different members merge; an empty object, an array and an object with a
// member "$bytes" are written whole. No path may be the same as or below another, hold the key "$bytes" or be empty,
// and path and value together nest at most 32 deep. The error wraps ErrKey or ErrOp.
func Patch(key string, edits []Edit) (Op, error) {
	body, err := appendPatch(nil, edits)
	if err != nil {
		return Op{}, err
	}
	return checked(CodePatch, key, body)
}

// Add returns the op that adds n, within ±(2^53−1), to a counter. The error wraps ErrKey or ErrOp.
func Add(key string, n int64) (Op, error) { return checked(CodeAdd, key, canon.AppendInt(nil, n)) }

// SetAdd returns the op that adds elements, given in any order, to a set. The error wraps ErrKey or ErrOp.
func SetAdd(key string, elements []Value) (Op, error) {
	return checked(CodeSetAdd, key, appendElements(nil, elements))
}

// SetRemove returns the op that removes elements, given in any order, from a set: the adds of them that the op's
// version covers. The error wraps ErrKey or ErrOp.
func SetRemove(key string, elements []Value) (Op, error) {
	return checked(CodeSetRemove, key, appendElements(nil, elements))
}

// Resolve returns the op that says of the named versions, given in any order, that their conflict was looked at: a
// write in the same version that covers them closes it as resolved. The error wraps ErrKey or ErrOp.
func Resolve(key string, sides []clock.Entry) (Op, error) {
	return checked(CodeResolve, key, clock.NewVector(sides...).Append(nil))
}

func checked(code Code, key string, body []byte) (Op, error) {
	if err := CheckKey(key); err != nil {
		return Op{}, err
	}
	width, err := bodyDots(code, body)
	if err != nil {
		return Op{}, err
	}
	return Op{Code: code, Width: width, Key: key, Body: body}, nil
}

// Check is nil if the op is valid: its key passes CheckKey, its body is the one canonical form of a body for the code, and
// its width is what the two ask for. Bodies of codes that are not Known are not looked into. The error wraps ErrKey or ErrOp. Apply relies on it: it runs on everything that comes from outside.
func (op *Op) Check() error {
	if err := CheckKey(op.Key); err != nil {
		return err
	}
	dots, err := bodyDots(op.Code, op.Body)
	if err != nil || dots == 0 {
		return err
	}
	return checkWidth(op.Code, op.Width, dots)
}

func checkWidth(code Code, width, dots uint64) error {
	if width == dots {
		return nil
	}
	return opError(code, "owns "+strconv.FormatUint(width, 10)+" dots; it must own "+strconv.FormatUint(dots, 10), nil)
}

// bodyDots checks a body and is the number of dots that its op owns; 0 if the code leaves that open.
func bodyDots(code Code, body []byte) (dots uint64, err error) {
	switch code {
	case CodePut:
		if err = canon.Check(body); err != nil {
			err = opError(code, "its body must be one value", err)
		}
	case CodeDelete:
		if len(body) != 1 || Value(body).Type() != canon.TypeNull {
			err = opError(code, "its body must be nil", nil)
		}
	case CodePatch:
		err = walkPatch(body, func([]byte, Value) {})
	case CodeAdd:
		_, err = readAmount(body)
	case CodeSetAdd, CodeSetRemove:
		err = checkElements(code, body)
	case CodeResolve:
		_, err = readSides(body)
	case CodeErase:
		_, err = readTarget(body)
	case CodeTextSplice, CodeListSplice, CodeListMove, CodeListReplace:
		e, err := readSequenceOp(code, body, code)
		return e.dots(code), err
	}
	if !code.Fixed() {
		return 0, err
	}
	return 1, err
}

func opError(code Code, what string, cause error) error {
	if cause == nil {
		return fault(ErrOp, code.String()+": "+what)
	}
	return faultOf(ErrOp, code.String()+": "+what, cause)
}
