package replica

import (
	"errors"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// awaited is a row of Pending that may not have to wait any longer.
type awaited struct {
	pendingRow
	ordinal  uint64
	versions []history.Version
	// held are, of each of them, what it goes on to wait for.
	held []waitsFor
}

// retry applies what waited for something that came, as long as there is more of it. Rows that wait for each other are judged
// together, as those of one pack.
func (a *applier) retry() error {
	for {
		rows, err := a.awaitedRows()
		if err != nil || len(rows) == 0 {
			return err
		}
		before := a.applied.Versions
		if err := a.retryRows(rows); err != nil || a.applied.Versions == before {
			return err
		}
	}
}

// awaitedRows are the rows for which what they wait for is here, and those that wait for a version in one of these. Rows that
// cannot be read go.
func (a *applier) awaitedRows() ([]*awaited, error) {
	var rows, others []*awaited
	ids := make(map[history.ID]bool)
	take := func(row *awaited) error {
		var err error
		if row.versions, err = history.DecodeRun(a.c.member.Space(), row.Run); err != nil || len(row.versions) == 0 {
			return a.c.tx.Delete(store.Pending, store.IntKey(row.ordinal))
		}
		rows, row.held = append(rows, row), make([]waitsFor, len(row.versions))
		for i := range row.versions {
			ids[row.versions[i].ID] = true
		}
		return nil
	}
	for ordinal, p := range a.c.snap().pendingRowsNow() {
		row := &awaited{pendingRow: p, ordinal: ordinal}
		switch {
		case errors.Is(p.err, history.ErrPending):
			if err := a.c.tx.Delete(store.Pending, store.IntKey(ordinal)); err != nil {
				return nil, err
			}
		case p.err != nil:
			return nil, p.err
		case a.isMet(&row.Pending):
			if err := take(row); err != nil {
				return nil, err
			}
		case row.Reason == history.ReasonMissingParent:
			others = append(others, row)
		}
	}
	for found := len(rows) > 0; found; {
		found = false
		for i, row := range others {
			if row != nil && ids[row.Wants.ID] {
				if err := take(row); err != nil {
					return nil, err
				}
				others[i], found = nil, true
			}
		}
	}
	return rows, nil
}

// isMet reports whether what a row waits for may be here.
func (a *applier) isMet(p *history.Pending) bool {
	switch p.Reason {
	case history.ReasonMissingParent:
		return a.isHere(p.Wants)
	case history.ReasonNoCertificate:
		return a.certified(p.Author)
	default:
		return a.sealedBy(p.Author)
	}
}

// retryRows judges rows as one pack and applies what is taken of them. The others stay, and say what they wait for now.
func (a *applier) retryRows(rows []*awaited) error {
	b, from := a.packOf(rows)
	if _, err := b.learnFrom(b.versions); err != nil {
		return err
	}
	for i := range b.versions {
		b.ops = append(b.ops, groupOps(nil, &b.versions[i]))
		b.erases = b.erases || erases(b.ops[i])
		b.want(i)
	}
	if err := b.judge(); err != nil {
		return err
	}
	for i, wait := range b.held {
		from[i].row.held[from[i].at] = wait
	}
	if err := b.applySlice(); err != nil {
		return err
	}
	a.refused, a.refusals, a.foreign = b.refused, b.refusals, b.foreign
	a.applied.Versions += b.applied.Versions
	a.applied.Forks += b.applied.Forks
	for _, row := range rows {
		if err := a.putBack(row); err != nil {
			return err
		}
	}
	return nil
}

// ofRow is a version by its place in a row.
type ofRow struct {
	row *awaited
	at  int
}

func (o ofRow) version() *history.Version { return &o.row.versions[o.at] }

// packOf puts the versions of rows together, parents first, with the seals that came with them, and says where each is from.
func (a *applier) packOf(rows []*awaited) (*applier, []ofRow) {
	var all []ofRow
	for _, row := range rows {
		a.unpackProofs(&row.Pending, &row.versions[len(row.versions)-1])
		for i := range row.versions {
			all = append(all, ofRow{row, i})
		}
	}
	order.Sort(all, func(x, y ofRow) int { return x.version().Stamp().Compare(y.version().Stamp()) }) // the valid ones are above their parents
	u := &unpacked{proved: a.proved, wanted: a.wanted, refused: a.refused, refusals: a.refusals}
	for _, from := range all {
		u.versions = append(u.versions, *from.version())
	}
	return &applier{c: a.c, g: a.g, unpacked: u, placed: a.placed, foreign: a.foreign, whole: true}, all
}

// putBack lets what is left of a row go on to wait, for what is still missing.
func (a *applier) putBack(row *awaited) (err error) {
	key := store.IntKey(row.ordinal)
	p := row.Pending
	var left []history.Version
	for i, wait := range row.held {
		if wait.reason == 0 {
			continue
		}
		if left = append(left, row.versions[i]); len(left) == 1 {
			p.Reason, p.Wants = wait.reason, wait.wants
		}
	}
	switch {
	case len(left) == 0:
		return a.c.tx.Delete(store.Pending, key)
	case len(left) == len(row.versions) && p.Reason == row.Reason && p.Wants == row.Wants:
		return nil
	}
	if last := left[len(left)-1]; last.Seq != p.Seq {
		p.Seq, p.Seal = last.Seq, nil
	}
	if p.Run, err = history.EncodeRun(left); err != nil {
		return err
	}
	return a.c.tx.Put(store.Pending, key, withSum(p.Append(nil)))
}

// unpackProofs puts what came with a row's versions to the proofs of the pack: it vouches for them, and is kept with them.
func (a *applier) unpackProofs(p *history.Pending, last *history.Version) {
	seal := identity.Seal{Author: last.Author, Seq: last.Seq, ID: last.ID}
	if copy(seal.Sig[:], p.Seal) == len(seal.Sig) && seal.Verify(a.c.member.Space()) == nil {
		a.sealed[last.ID] = seal
		a.wanted[last.ID] = true
	}
	if a.certified(last.Author) {
		return
	}
	if cert, err := identity.DecodeCertificate(p.Certificate); err == nil && cert.Author == last.Author && cert.Verify(a.c.member.Space()) == nil {
		a.certificates[last.Author] = cert
	}
}

// sealedBy reports whether a seal of the author came: without one the versions need not be read to know that they still wait.
func (a *applier) sealedBy(author identity.Author) bool {
	for _, seal := range a.sealed {
		if seal.Author == author {
			return true
		}
	}
	return slices.ContainsFunc(a.erasures, func(e history.Erasure) bool { return e.Author == author })
}

func (a *applier) isHere(ref history.Ref) bool {
	if _, ok := a.placed[ref.ID]; ok {
		return true
	}
	_, found, err := a.g.Lookup(ref, a.c.snap())
	return err == nil && found
}
