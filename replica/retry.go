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
func (a *applier) awaitedRows() (rows []*awaited, err error) {
	all := a.c.snap().pendingRowsNow()
	ids := make(map[history.ID]bool)
	taken := make([]bool, len(all))
	for pass, found := 0, true; found; pass++ {
		found = false
		for i := range all {
			row := &all[i]
			if row.err != nil && !errors.Is(row.err, history.ErrPending) {
				return nil, row.err
			}
			if taken[i] || row.err == nil && !ids[row.Wants.ID] && (pass > 0 || !a.isMet(&row.Pending)) {
				continue
			}
			taken[i] = true
			versions, err := history.DecodeRun(a.c.member.Space(), row.Run)
			if row.err != nil || err != nil || len(versions) == 0 {
				if err := a.c.tx.Delete(store.Pending, store.IntKey(row.ordinal)); err != nil {
					return nil, err
				}
				continue
			}
			found = true
			rows = append(rows, &awaited{pendingRow: *row, versions: versions, held: make([]waitsFor, len(versions))})
			for v := range versions {
				ids[versions[v].ID] = true
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
		var ops []history.Op
		for _, op := range b.versions[i].Ops() {
			ops = append(ops, op)
		}
		b.addOps(ops)
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
	was := waitsFor{row.Reason, row.Wants}
	var left []history.Version
	for i, wait := range row.held {
		if wait.reason == 0 {
			continue
		}
		if left = append(left, row.versions[i]); len(left) == 1 {
			row.Reason, row.Wants = wait.reason, wait.wants
		}
	}
	switch {
	case len(left) == 0:
		return a.c.tx.Delete(store.Pending, key)
	case len(left) == len(row.versions) && was == waitsFor{row.Reason, row.Wants}:
		return nil
	}
	if last := &left[len(left)-1]; last.Seq != row.Seq {
		row.Seq, row.Seal = last.Seq, nil
	}
	if row.Run, err = history.EncodeRun(left); err != nil {
		return err
	}
	return a.c.tx.Put(store.Pending, key, withSum(row.Append(nil)))
}

// unpackProofs puts what came with a row's versions to the proofs of the pack: it vouches for them, and is kept with them. It was
// verified when it came, as the checksum of the row says.
func (a *applier) unpackProofs(p *history.Pending, last *history.Version) {
	seal := identity.Seal{Author: last.Author, Seq: last.Seq, ID: last.ID}
	if copy(seal.Sig[:], p.Seal) == len(seal.Sig) {
		a.sealed[last.ID] = seal
		a.wanted[last.ID] = true
	}
	if cert, err := identity.DecodeCertificate(p.Certificate); err == nil && !a.certified(last.Author) {
		a.certificates[cert.Author] = cert
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
