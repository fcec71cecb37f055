package replica

import (
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/store"
)

// Bytes of proofs of erasures that go with versions, and without.
const (
	maxProofsBeside = 128 << 10
	maxProofsAlone  = packedBytes
)

// noteErased notes what a version that is gathered has to do with erasures.
func (g *gatherer) noteErased(s *snap, v *history.Version) error {
	if v.Erases() {
		g.erasing = append(g.erasing, v.Stamp().Entry())
	}
	erasers, err := s.erasersOf(v)
	g.erasers = append(g.erasers, erasers...)
	return err
}

// proveErased adds what a peer has to know to take versions that contents were erased of: the proofs of those erasures, each once
// in the life of a feed; and, where a version erases itself, the seal over exactly it. It reports whether the proofs are too
// many to go with the versions: then they are as many as go alone.
func (f *feed) proveErased(s *snap, proofs *pack.Options) (alone bool, err error) {
	if s.tip.erased == 0 {
		return false, nil
	}
	if f.proved == nil {
		f.proved = make(map[clock.Entry]bool)
	}
	here, err := f.sealErasing(s, proofs)
	if err != nil {
		return false, err
	}
	size := 0
	for _, eraser := range f.gather.erasers {
		if here[eraser] || f.proved[eraser] {
			continue
		}
		if size > maxProofsAlone {
			return true, nil
		}
		p, err := s.proofOf(eraser)
		if err != nil {
			return false, err
		}
		if err := f.certify(p.Author, p.certificate, proofs); err != nil {
			return false, err
		}
		f.proved[eraser] = true
		proofs.Erasures = append(proofs.Erasures, p.Erasure)
		size += len(p.Payload)
	}
	return size > maxProofsBeside, nil
}

// sealErasing adds the seals of versions that erase, and returns which these are.
func (f *feed) sealErasing(s *snap, proofs *pack.Options) (map[clock.Entry]bool, error) {
	here := make(map[clock.Entry]bool, len(f.gather.erasing))
	for _, of := range f.gather.erasing {
		p, err := s.proofOf(of)
		if err != nil {
			return nil, err
		}
		here[of], f.proved[of] = true, true
		proofs.Seals = append(proofs.Seals, p.Seal())
	}
	return here, nil
}

// erasersOf are the versions that erased contents of a version.
func (s *snap) erasersOf(v *history.Version) (erasers []clock.Entry, err error) {
	of := v.Stamp().Entry()
	for i, op := range v.Ops() {
		if op.Body != nil || !op.Code.Known() {
			continue
		}
		eraser, erased, err := eraserOf(s.tx, crdt.Target{Version: of, Op: uint32(i)}, op.Key)
		if err == nil && !erased {
			err = fmt.Errorf("%w: a value of version %s is missing, and nobody erased it", store.ErrCorrupt, v.Stamp().Name())
		}
		if err != nil {
			return nil, err
		}
		erasers = append(erasers, eraser)
	}
	return erasers, nil
}

// proofOf is the proof of an erasure that is known.
func (s *snap) proofOf(eraser clock.Entry) (proof, error) {
	p, known, err := proofOf(s.tx, eraser)
	if err == nil && !known {
		err = fmt.Errorf("%w: the proof of the erasure %s is missing", store.ErrCorrupt, nameOf(eraser.Author, eraser.Seq))
	}
	return p, err
}
