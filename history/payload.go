package history

import (
	"crypto/sha256"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// Op is one op of a version as its payload holds it.
type Op struct {
	crdt.Op
	// Detached is set where the body does not stand in the payload, so that it can be erased. Body is nil then if
	// the content is not here.
	Detached *Detached
}

// Detached is what the payload says of a body that does not stand in it. Whoever makes an op sets Salt, from a good source
// of randomness: it keeps a short body from being guessed by its hash. The rest is computed, but for the Structure of an op
// of a code that this program does not know. Whoever makes an op again whose content is not here sets all of it as it was, and no Body.
type Detached struct {
	// Salt is hashed before the body. In an op that was read it is zero where the content is not here.
	Salt [SaltSize]byte
	// Structure is what must survive an erasure (positions, lengths), one canonical item; nil stands for none.
	Structure []byte
	// Length is the body's length in bytes, Hash is SHA-256(salt ‖ body).
	Length uint64
	Hash   [32]byte
}

// An op record has 4 items when its body is inline, and 6 when it is detached.
const (
	inlineItems   = 4
	detachedItems = 6
)

// encodePayload returns the canonical bytes of ops and meta, and the contents of the detached ops:
//
//	[[op, …], meta]    op = [code, width, key, body] or [code, width, key, structure, length, hash]
//
// It does not check them, but for metadata that nothing can hold and bodies that no decoder will see.
func encodePayload(ops []Op, meta Meta) ([]byte, []Content, error) {
	size := 16
	for i := range ops {
		size += 48 + len(ops[i].Key)
		if ops[i].Detached == nil {
			size += len(ops[i].Body)
		}
	}
	var contents []Content
	b := canon.AppendArray(make([]byte, 0, size), 2)
	b = canon.AppendArray(b, len(ops))
	for i := range ops {
		op := &ops[i]
		if op.Detached != nil && op.Body != nil {
			contents = append(contents, Content{Op: uint32(i), Salt: op.Detached.Salt, Body: op.Body})
		}
		b = appendOp(b, op)
	}
	b, err := meta.append(b)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range contents {
		if err := checkBody(ops[c.Op].Code, ops[c.Op].Width, c.Body); err != nil {
			return nil, nil, err
		}
	}
	return b, contents, nil
}

func appendOp(b []byte, op *Op) []byte {
	items := inlineItems
	if op.Detached != nil {
		items = detachedItems
	}
	b = canon.AppendArray(b, items)
	b = canon.AppendUint(b, uint64(op.Code))
	b = canon.AppendUint(b, op.Width)
	b = canon.AppendString(b, op.Key)
	if op.Detached == nil {
		return append(b, op.Body...)
	}
	structure := op.Detached.Structure
	if judged(op.Code) && op.Body != nil {
		structure = crdt.Structure(op.Code, op.Body)
	}
	if structure == nil {
		b = canon.AppendNil(b)
	} else {
		b = append(b, structure...)
	}
	if op.Body == nil {
		return canon.AppendBytes(canon.AppendUint(b, op.Detached.Length), op.Detached.Hash[:])
	}
	sum := sha256.Sum256(append(op.Detached.Salt[:len(op.Detached.Salt):len(op.Detached.Salt)], op.Body...))
	b = canon.AppendUint(b, uint64(len(op.Body)))
	return canon.AppendBytes(b, sum[:])
}

// Ops yields the index and the op of each op record, in order. Bodies of detached ops come from Contents where they are
// here. Keys and bodies alias v. For a payload that was never checked the sequence ends at what is wrong.
func (v *Version) Ops() iter.Seq2[int, Op] {
	return func(yield func(int, Op) bool) {
		r := canon.NewReader(v.Payload)
		if n, err := r.Array(); err != nil || n != 2 {
			return
		}
		n, err := r.Array()
		contents := v.Contents
		for i := 0; i < n && err == nil; i++ {
			var op Op
			if op, err = readOp(&r); err != nil {
				return
			}
			if len(contents) > 0 && contents[0].Op == uint32(i) {
				if op.Detached != nil {
					op.Body, op.Detached.Salt = contents[0].Body, contents[0].Salt
				}
				contents = contents[1:]
			}
			if !yield(i, op) {
				return
			}
		}
	}
}

// bring gives detached ops of the version the bodies that are here.
func (v *Version) bring(ops []Op) {
	for i := range v.Contents {
		c := &v.Contents[i]
		op := &ops[c.Op]
		op.Body, op.Detached.Salt = c.Body, c.Salt
	}
}

func readOp(r *canon.Reader) (Op, error) {
	var op Op
	items, err := r.Array()
	if err != nil {
		return op, err
	}
	code, _ := r.Uint()
	op.Width, _ = r.Uint()
	op.Key, _ = r.StringView()
	op.Code = crdt.Code(code)
	body, err := r.Raw()
	if items != detachedItems {
		op.Body = body
		return op, err
	}
	op.Detached = &Detached{}
	op.Detached.Structure = structureOf(body)
	op.Detached.Length, _ = r.Uint()
	op.Detached.Hash, err = r.Bytes32()
	return op, err
}

// structureOf is a structure as it was read, where nil stands for none.
func structureOf(item []byte) []byte {
	if len(item) > 1 || len(item) == 1 && canon.Value(item).Type() != canon.TypeNull {
		return item
	}
	return nil
}

// Meta is the metadata of the version; the zero Meta if there is none or the payload was never checked.
func (v *Version) Meta() Meta {
	r := canon.NewReader(v.Payload)
	if n, err := r.Array(); err != nil || n != 2 {
		return Meta{}
	}
	if err := r.Skip(); err != nil {
		return Meta{}
	}
	b, err := r.Value()
	if err != nil {
		return Meta{}
	}
	return decodeMeta(b)
}

// OpCount is the number of op records. A version without any is a join version: it only merges its parents.
func (v *Version) OpCount() int {
	r := canon.NewReader(v.Payload)
	if n, err := r.Array(); err != nil || n != 2 {
		return 0
	}
	n, err := r.Array()
	if err != nil {
		return 0
	}
	return n
}
