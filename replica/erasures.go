package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// An erasure is known once its proof is: from then on what it names is as good as gone, whether it has come or not, and
// whether the version that erased it is applied yet or not. A row of Erasures is one of three, told apart by the first
// byte of its key:
//
//	0 target, key   the version that erased it
//	1 version       its proof: [erasure, certificate of the author, tip.erased behind the commit in which it came], with a checksum
//	2 version       nothing; the version is not applied yet
//
// A target is a version and the index of an op, 4 bytes; a version is author, seq and prefix of the id, 56 bytes.
const (
	erasedRow = iota
	proofRow
	aheadRow
)

const entrySize = len(identity.Author{}) + 8 + len(clock.Prefix{})

func appendEntry(b []byte, e clock.Entry) []byte {
	b = append(b, e.Author[:]...)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	return append(b, e.ID[:]...)
}

// entryIn reads what appendEntry wrote.
func entryIn(b []byte) (e clock.Entry, ok bool) {
	if len(b) != entrySize {
		return e, false
	}
	b = b[copy(e.Author[:], b):]
	e.Seq = binary.BigEndian.Uint64(b)
	copy(e.ID[:], b[8:])
	return e, true
}

func erasedKey(target crdt.Target, key string) []byte {
	b := appendEntry(append(make([]byte, 0, 1+entrySize+4+len(key)), erasedRow), target.Version)
	return append(binary.BigEndian.AppendUint32(b, target.Op), key...)
}

// proofKey is the key of the row of that kind about a version.
func proofKey(kind byte, of clock.Entry) []byte {
	return appendEntry(append(make([]byte, 0, 1+entrySize), kind), of)
}

// proof is an erasure with the certificate of its author, and when it became known here, as the tip counts.
type proof struct {
	history.Erasure
	certificate []byte
	known       uint64
}

func (p *proof) row() []byte {
	b := canon.AppendArray(nil, 3)
	b = canon.AppendBytes(b, p.Append(nil))
	b = canon.AppendBytes(b, p.certificate)
	return withSum(canon.AppendUint(b, p.known))
}

func decodeProof(b []byte) (p proof, err error) {
	body, err := withoutSum(b)
	if err == nil {
		r := canon.NewReader(body)
		_, _ = r.Array()
		erasure, _ := r.Bytes()
		p.certificate, _ = r.Bytes()
		p.known, _ = r.Uint()
		if err = r.End(); err == nil {
			p.Erasure, err = history.DecodeErasure(erasure)
		}
	}
	if err != nil {
		return p, fmt.Errorf("%w: the proof of an erasure: %w", store.ErrCorrupt, err)
	}
	return p, nil
}

// eraserOf is the version that erased an op, if one is known that did.
func eraserOf(tx store.Tx, target crdt.Target, key string) (eraser clock.Entry, erased bool, err error) {
	b, err := tx.Get(store.Erasures, erasedKey(target, key))
	if errors.Is(err, store.ErrNotFound) {
		return eraser, false, nil
	}
	if err == nil {
		if eraser, erased = entryIn(b); !erased {
			err = fmt.Errorf("%w: what erased an op of %s", store.ErrCorrupt, nameOf(target.Version.Author, target.Version.Seq))
		}
	}
	return eraser, erased, err
}

// proofOf is the proof of an erasure, if it is known.
func proofOf(tx store.Tx, of clock.Entry) (p proof, known bool, err error) {
	b, err := tx.Get(store.Erasures, proofKey(proofRow, of))
	if errors.Is(err, store.ErrNotFound) {
		return p, false, nil
	}
	if err == nil {
		p, err = decodeProof(append([]byte(nil), b...))
	}
	return p, err == nil, err
}

// isProved reports whether the proof of an erasure is known.
func isProved(tx store.Tx, of clock.Entry) (bool, error) {
	_, err := tx.Get(store.Erasures, proofKey(proofRow, of))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// proofs yields all that are known, by author and dot.
func (s *snap) proofs() iter.Seq2[proof, error] {
	return func(yield func(proof, error) bool) {
		for row, err := range s.tx.Scan(store.Erasures, store.Range{From: []byte{proofRow}, To: []byte{aheadRow}}) {
			var p proof
			if err == nil {
				p, err = decodeProof(append([]byte(nil), row.Value...))
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// ahead reports whether some erasure is known whose version is not applied: then equal versions need not mean equal states.
func (s *snap) ahead() (bool, error) {
	if s.tip.erased == 0 {
		return false, nil
	}
	for _, err := range s.tx.Scan(store.Erasures, store.Range{From: []byte{aheadRow}, KeysOnly: true}) {
		return err == nil, err
	}
	return false, nil
}
