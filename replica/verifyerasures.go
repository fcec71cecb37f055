package replica

import (
	"bytes"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// checkContents compares what a version lacks with what is known to be erased.
func (v *verifier) checkContents(ver *history.Version) error {
	of := ver.Stamp().Entry()
	for i, op := range ver.Ops() {
		if op.Detached == nil {
			continue
		}
		_, erased, err := eraserOf(v.s.tx, crdt.Target{Version: of, Op: uint32(i)}, op.Key)
		switch {
		case err != nil:
			return err
		case op.Body != nil && erased:
			v.damage("version %s: a value of %q is here that was erased", ver.Stamp().Name(), op.Key)
		case op.Body == nil && !erased && op.Code.Known():
			v.damage("version %s: a value of %q is missing, and nobody erased it", ver.Stamp().Name(), op.Key)
		}
	}
	if !ver.Erases() {
		return nil
	}
	proved, err := isProved(v.s.tx, of)
	if err == nil && !proved {
		v.damage("version %s erases, and the proof of that is missing", ver.Stamp().Name())
	}
	return err
}

// erasureRows are the rows that the proofs lead to: which versions erased an op, and which of them are not applied.
type erasureRows struct {
	erasers map[string][]clock.Entry
	ahead   map[string]bool
}

// checkErasures verifies the proofs of erasures, and compares the other rows with them.
func (v *verifier) checkErasures() error {
	rows := erasureRows{erasers: make(map[string][]clock.Entry), ahead: make(map[string]bool)}
	err := v.scan(store.Erasures, store.Range{From: []byte{proofRow}, To: []byte{aheadRow}}, func(row store.Row) error {
		p, err := decodeProof(bytes.Clone(row.Value))
		if err != nil {
			return v.found(err)
		}
		return v.checkProof(&p, row.Key, &rows)
	})
	v.settle()
	if err != nil {
		return err
	}
	err = v.scan(store.Erasures, store.Range{To: []byte{proofRow}}, func(row store.Row) error {
		eraser, ok := entryIn(row.Value)
		if !ok || !slices.Contains(rows.erasers[string(row.Key)], eraser) {
			v.damage("something is noted as erased that no proof says so of")
		}
		delete(rows.erasers, string(row.Key))
		return nil
	})
	if err != nil {
		return err
	}
	err = v.scan(store.Erasures, store.Range{From: []byte{aheadRow}}, func(row store.Row) error {
		if !rows.ahead[string(row.Key)] && !v.broken || len(row.Value) > 0 {
			v.damage("an erasure is noted as not applied that is, or is not known")
		}
		delete(rows.ahead, string(row.Key))
		return nil
	})
	if len(rows.erasers) > 0 || len(rows.ahead) > 0 && !v.broken {
		v.damage("%d ops that a proof says are erased are not noted as that, and %d erasures not as not applied", len(rows.erasers), len(rows.ahead))
	}
	return err
}

// checkProof verifies one proof and notes the rows that it leads to.
func (v *verifier) checkProof(p *proof, key []byte, rows *erasureRows) error {
	of := p.Stamp().Entry()
	cert, err := identity.DecodeCertificate(p.certificate)
	if text := "the proof of the erasure " + nameOf(of.Author, of.Seq) + " proves nothing"; err != nil || cert.Author != p.Author ||
		!bytes.Equal(key, proofKey(proofRow, of)) || p.known == 0 || p.known > v.m.tip.erased {
		v.damage("%s", text)
	} else {
		v.doubt(text, &cert, p.Seal())
	}
	for key, target := range p.Targets() {
		at := string(erasedKey(target, key))
		rows.erasers[at] = append(rows.erasers[at], of)
	}
	if v.broken {
		return nil
	}
	applied, err := v.isApplied(of)
	if err == nil && !applied {
		rows.ahead[string(proofKey(aheadRow, of))] = true
	}
	return err
}

// isApplied reports whether a version is in the graph.
func (v *verifier) isApplied(e clock.Entry) (bool, error) {
	for _, line := range v.m.byAuthor[e.Author] {
		if int(line) >= v.g.NumLines() {
			continue
		}
		lv, ok := v.g.Find(line, e.Seq)
		if !ok {
			continue
		}
		id, last, err := v.ID(lv)
		if err != nil || last == lv && id.Prefix() == e.ID {
			return err == nil, err
		}
	}
	return false, nil
}
