package replica

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
)

// erased reports whether what a version lacks is known to be erased.
func (a *applier) erased(v *history.Version) (bool, error) {
	if !a.c.knowsErasures() {
		return false, nil
	}
	of := v.Stamp().Entry()
	for i, op := range v.Ops() {
		if op.Body != nil || !op.Code.Known() {
			continue
		}
		if _, erased, err := eraserOf(a.c.tx, crdt.Target{Version: of, Op: uint32(i)}, op.Key); !erased || err != nil {
			return false, err
		}
	}
	return true, nil
}

// learn takes up the erasures that the pack proves, by its header or by versions that are sealed themselves, and drops what
// they name from its versions.
func (a *applier) learn() error {
	for i := range a.erasures {
		if err := a.learnOne(&a.erasures[i]); err != nil {
			return err
		}
	}
	if !a.erases && !a.c.knowsErasures() {
		return nil
	}
	stripped, err := a.learnFrom(a.versions)
	a.stripped = a.stripped || len(stripped) > 0
	for _, i := range stripped {
		a.ops.reread(i, &a.versions[i])
	}
	return err
}

// learnFrom is learn for versions alone. It returns the indices of those that have lost contents.
func (a *applier) learnFrom(versions []history.Version) (stripped []int, err error) {
	for i := range versions {
		v := &versions[i]
		if !v.Erases() {
			continue
		}
		if s, ok := a.sealed[v.ID]; ok && s.Author == v.Author && s.Seq == v.Seq {
			if err := a.learnOne(&history.Erasure{Version: *v, Sig: s.Sig}); err != nil {
				return nil, err
			}
		}
	}
	for i := range versions {
		some, err := a.c.strip(&versions[i])
		if err != nil {
			return stripped, err
		}
		if some {
			stripped = append(stripped, i)
		}
	}
	return stripped, nil
}

// learnOne takes up an erasure whose seal holds, if its author may write.
func (a *applier) learnOne(e *history.Erasure) error {
	p := proof{Erasure: *e}
	if lines := a.c.byAuthor[e.Author]; len(lines) > 0 {
		p.certificate = a.c.lines[lines[0]].Certificate
	} else if cert, ok := a.certificates[e.Author]; ok {
		p.certificate = cert.Append(nil)
	} else {
		return nil
	}
	return a.c.learn(&p)
}
