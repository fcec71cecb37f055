package crdt

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// Target names the op whose content an erase destroys: a version, and the index of the op among those of the version.
type Target struct {
	Version clock.Entry
	Op      uint32
}

// maxTarget is the greatest index of an op: a version has 65,536 at most.
const maxTarget = 1<<16 - 1

// Erase returns the op that destroys the content of another op on the same key. The error wraps ErrKey or ErrOp.
func Erase(key string, target Target) (Op, error) {
	body := target.Version.Append(canon.AppendArray(nil, 2))
	return checked(CodeErase, key, canon.AppendUint(body, uint64(target.Op)))
}

// Target returns the op that an erase names. The error wraps ErrOp.
func (op *Op) Target() (Target, error) { return readTarget(op.Body) }

func readTarget(body []byte) (Target, error) {
	r := canon.NewReader(body)
	items, err := r.Array()
	if err != nil || items != 2 {
		return Target{}, opError(CodeErase, "its body must be a version and the index of an op", err)
	}
	version, err := clock.ReadEntry(&r)
	if err != nil {
		return Target{}, opError(CodeErase, "its version", err)
	}
	index, _ := r.Uint()
	if err := r.End(); err != nil {
		return Target{}, opError(CodeErase, "its index", err)
	}
	if index > maxTarget || version.Seq == 0 {
		return Target{}, opError(CodeErase, "no version has such an op", nil)
	}
	return Target{Version: version, Op: uint32(index)}, nil
}
