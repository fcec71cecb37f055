package history

import (
	"bytes"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// judged reports whether body, width and structure of an op of that code are part of its version's validity. These are the
// codes that every program of this format knows. Of any other code only the envelope counts, today and when it is
// given a meaning: a program that learns it must not judge versions otherwise than one that never did.
func judged(code crdt.Code) bool {
	return code >= crdt.CodePut && code <= crdt.CodeErase || code >= crdt.CodeTextSplice && code <= crdt.CodeListReplace
}

// readBody reads and checks the inline body of an op that owns width dots.
func readBody(r *canon.Reader, code crdt.Code, width uint64) ([]byte, error) {
	if code == crdt.CodePut && width == 1 {
		value, err := r.Value()
		if err != nil {
			return nil, invalid(FaultOp, "the value of a put", err)
		}
		return value, nil
	}
	body, err := r.Raw()
	if err != nil {
		return nil, invalid(FaultEncoding, "the body of an op", err)
	}
	return body, checkBody(code, width, body)
}

// bodyKey stands in for the key where only a body is checked; the key was, as bytes.
const bodyKey = "namespace/key"

// checkBody checks a body, which is one canonical item if it was read from a payload, of an op that owns width dots.
func checkBody(code crdt.Code, width uint64, body []byte) error {
	if !judged(code) {
		r := canon.NewReader(body)
		_ = r.Skip()
		if err := r.End(); err != nil || len(body) == 0 {
			return invalid(FaultEncoding, "the body of an op", err)
		}
		return nil
	}
	op := crdt.Op{Code: code, Width: width, Key: bodyKey, Body: body}
	if err := op.Check(); err != nil {
		return invalid(FaultOp, "the body of an op", err)
	}
	return nil
}

// checkContent checks the body of a detached op against what its payload says of it.
func checkContent(op *Op, body []byte) error {
	if err := checkBody(op.Code, op.Width, body); err != nil {
		return err
	}
	if judged(op.Code) && !bytes.Equal(crdt.Structure(op.Code, body), op.Detached.Structure) {
		return invalid(FaultOp, "a body that is not of its op's structure", nil)
	}
	return nil
}

// checkKey is crdt.CheckKey for a key that is part of a payload: most are plain, and those cost no allocation.
func checkKey(key string) error {
	slash := 0
	for i := range len(key) {
		c := key[i]
		if c < ' ' || c > '~' {
			return crdt.CheckKey(strings.Clone(key))
		}
		if c == '/' && slash == 0 {
			slash = i
		}
	}
	if slash > 0 && slash < len(key)-1 && len(key) <= crdt.MaxKey {
		return nil
	}
	return crdt.CheckKey(strings.Clone(key))
}
