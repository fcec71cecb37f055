package history

import (
	"bytes"
	"errors"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// ErrErasure says of bytes, or of a version, that they prove no erasure.
var ErrErasure = errors.New("history: no proof of an erasure")

// Erasure proves that contents were erased, to whoever has not got the version that erased them yet: it is that version, and
// its author's seal over exactly it. What the version stands on is no part of it; of Deps the ids are enough. Whether the
// author may write is for its certificate to say.
//
//	[author, seq, prev, [dep id, …], time, payload, sig]
type Erasure struct {
	Version
	Sig identity.Signature
}

// erasureItems is how many items an encoded Erasure has, and maxErasure the most bytes that it takes.
const (
	erasureItems = 7
	maxErasure   = MaxErasing + MaxDeps*34 + 256
)

// eraseHead is how the record of each erase begins: an array of four items, the code, the width.
var eraseHead = []byte{0x90 + inlineItems, byte(crdt.CodeErase), 1}

// Erases reports whether some op of the version, which is valid, is an erase. It costs next to nothing where none is.
func (v *Version) Erases() bool {
	if !bytes.Contains(v.Payload, eraseHead) {
		return false
	}
	s, err := inspect(v.Payload, nil)
	return err == nil && s.erases
}

// Targets yields what the version erases: for each erase the key that its target has to be on, and the target.
func (v *Version) Targets() iter.Seq2[string, crdt.Target] {
	return func(yield func(string, crdt.Target) bool) {
		for _, op := range v.Ops() {
			if op.Code != crdt.CodeErase {
				continue
			}
			if target, err := op.Target(); err == nil && !yield(op.Key, target) {
				return
			}
		}
	}
}

// Append appends the canonical form.
func (e *Erasure) Append(b []byte) []byte {
	b = canon.AppendArray(b, erasureItems)
	b = canon.AppendBytes(b, e.Author[:])
	b = canon.AppendUint(b, e.Seq)
	b = canon.AppendBytes(b, e.Prev[:])
	b = canon.AppendArray(b, len(e.Deps))
	for i := range e.Deps {
		b = canon.AppendBytes(b, e.Deps[i].ID[:])
	}
	b = canon.AppendUint(b, uint64(e.Time))
	b = canon.AppendBytes(b, e.Payload)
	return canon.AppendBytes(b, e.Sig[:])
}

// DecodeErasure reads what Append wrote, and judges and hashes the version as far as that can be done without its parents.
// It does not verify the seal: see Seal. The payload aliases b. The error wraps ErrErasure.
func DecodeErasure(b []byte) (Erasure, error) {
	var e Erasure
	if len(b) > maxErasure {
		return e, ErrErasure
	}
	r := canon.NewReader(b)
	items, _ := r.Array()
	e.Author, _ = r.Bytes32()
	seq, _ := r.Uint()
	e.Prev, _ = r.Bytes32()
	n, err := r.Array()
	if err != nil || items != erasureItems || n > MaxDeps {
		return Erasure{}, errors.Join(ErrErasure, err)
	}
	e.Deps = make([]Ref, n)
	for i := range e.Deps {
		e.Deps[i].ID, _ = r.Bytes32()
	}
	t, _ := r.Uint()
	e.Payload, _ = r.Bytes()
	sig, err := r.Bytes()
	if err = errors.Join(err, r.End()); err != nil || copy(e.Sig[:], sig) != len(sig) || len(sig) != len(e.Sig) {
		return Erasure{}, errors.Join(ErrErasure, err)
	}
	e.Time = clock.Time(t)
	err = e.judge(seq)
	return e, err
}

// judge checks the version, whose last dot is seq.
func (e *Erasure) judge(seq uint64) error {
	s, err := inspect(e.Payload, nil)
	if err == nil && (!s.erases || seq < s.width) {
		return ErrErasure
	}
	if err == nil {
		_, err = e.finish(seq-s.width, nil, nil)
	}
	if err != nil {
		return errors.Join(ErrErasure, err)
	}
	return nil
}

// Seal is the author's signature that the proof rests on.
func (e *Erasure) Seal() identity.Seal {
	return identity.Seal{Author: e.Author, Seq: e.Seq, ID: e.ID, Sig: e.Sig}
}
