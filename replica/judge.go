package replica

import (
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/history"
)

// What becomes of the versions of a pack is judged for all of them before any is applied. A seal proves those before it in its
// chain as well, but only through versions that are here: where the one that it is over is not taken, nothing that could be
// handed on proves the others, and whoever they went to would let them wait, with all that was written on top of them.
//
//	author B   1──2──3s──4──5──6s      3 and 6 are sealed, and 6 waits for a parent, or is refused:
//	                     │             1 to 3 are applied, 4 and 5 wait as 6 does,
//	author C             └─1s          and C's 1 waits for 4
//
// So for each version that is applied there is a seal here over it or over a later one of its line that is applied too.

// fate is what is to become of a version of a pack.
type fate uint8

const (
	fateTaken   fate = iota // it is applied
	fateHere                // it was here already
	fateHeld                // it waits; see judgement.held
	fateRefused             // no replica will take it
)

// judgement is what is to become of each version of a pack.
type judgement struct {
	fates []fate
	// vouchers counts, for each version, those of the pack that follow it in its chain and are not known not to be taken.
	vouchers []int32
	// held says what each version waits for; it is empty where none does.
	held []waitsFor
	// index finds versions by their ids, where somebody asks.
	index map[history.ID]int
	// fallen are versions that are not taken and whose neighbours have not heard of it yet, the first one first.
	fallen []int
}

// waitsFor is why a version waits; zero if it does not.
type waitsFor struct {
	reason history.Reason
	wants  history.Ref
}

// reset begins a judgement of n versions in the memory of another one.
func (j *judgement) reset(n int) {
	*j = judgement{
		fates: slices.Grow(j.fates[:0], n)[:n], vouchers: slices.Grow(j.vouchers[:0], n)[:n],
		index: make(map[history.ID]int), fallen: j.fallen[:0],
	}
	clear(j.fates)
	clear(j.vouchers)
}

// judge judges each version by itself and its parents, and then what that means for those beside it.
func (a *applier) judge() error {
	a.reset(len(a.versions))
	for i := range a.versions {
		if err := a.judgeOne(i); err != nil {
			return err
		}
	}
	for i := range a.versions {
		if a.unvouched(i) {
			a.hold(i, a.noSeal(i))
		}
	}
	if len(a.fallen) > 0 {
		a.fell()
	}
	return nil
}

// judgeOne judges a version by all but its seal.
func (a *applier) judgeOne(i int) error {
	v := &a.versions[i]
	if a.wanted[v.ID] {
		a.index[v.ID] = i
	}
	prev, inPack := a.before(i)
	if inPack {
		a.vouchers[prev]++
	}
	var at history.Attachment
	follows := inPack && a.fates[prev] != fateHere // what it follows is new, and so it is
	if !follows {
		var err error
		if at, err = a.attach(v); err != nil {
			return err
		}
	}
	if at.Place == history.PlaceKnown {
		a.fates[i] = fateHere
		a.isKnown(v, at)
		return nil
	}
	wait, refusal, err := a.look(i, at)
	switch {
	case err != nil:
		return err
	case refusal != nil:
		a.fates[i] = fateRefused
		a.fallen = append(a.fallen, i)
		a.refuse(v, refusal)
	case wait.reason != 0:
		a.hold(i, wait)
	}
	return nil
}

// isKnown notes where a version stands that was here already.
func (a *applier) isKnown(v *history.Version, at history.Attachment) {
	a.applied.Duplicates++
	a.came.add(at.LV-history.LV(v.Width)+1, at.LV)
	a.remember(v.ID, place{lv: at.LV, time: v.Time, line: at.Line})
}

// look says why a version that is new waits or is refused, if it does. It would be attached at a place, which is zero where it
// follows another one of the pack.
func (a *applier) look(i int, at history.Attachment) (wait waitsFor, refusal, err error) {
	v := &a.versions[i]
	switch {
	case a.descendsFromRefused(v):
		return wait, fmt.Errorf("%w: it descends from a refused version", history.ErrInvalid), nil
	case !a.certified(v.Author):
		return waitsFor{history.ReasonNoCertificate, history.Ref{Author: v.Author}}, nil, nil
	case at.Place == history.PlaceMissing:
		return waitsFor{history.ReasonMissingParent, v.PrevRef()}, nil, nil
	}
	if a.erases && erases(a.ops.of(i)) { // only a seal over exactly it lets it prove to others what it erased
		if proved, err := isProved(a.c.tx, v.Stamp().Entry()); err != nil || !proved {
			return a.noSeal(i), nil, err
		}
	}
	missing, err := a.timesOfParents(i, at)
	if err != nil {
		return wait, nil, err
	}
	if missing != nil {
		return waitsFor{history.ReasonMissingParent, *missing}, nil, nil
	}
	if err := v.CheckTime(a.times...); err != nil {
		return wait, err, nil
	}
	if whole, err := a.complete(v, a.ops.of(i)); err != nil || whole {
		return wait, nil, err
	}
	return wait, errIncomplete, nil
}

func (a *applier) noSeal(i int) waitsFor {
	return waitsFor{history.ReasonNoSeal, history.Ref{Author: a.versions[i].Author}}
}

// timesOfParents puts the times of a version's parents, here or in the pack, into a.times, or names one that is neither.
func (a *applier) timesOfParents(i int, at history.Attachment) (missing *history.Ref, err error) {
	v := &a.versions[i]
	a.times = a.times[:0]
	if prev, inPack := a.before(i); inPack {
		if !a.standing(prev) {
			ref := v.PrevRef()
			return &ref, nil
		}
		a.times = append(a.times, a.versions[prev].Time)
	} else if at.LV > 0 {
		t, err := a.timeOf(v.Prev, at.LV)
		if err != nil {
			return nil, err
		}
		a.times = append(a.times, t)
	}
	for d := range v.Deps {
		dep := &v.Deps[d]
		if parent, inPack := a.index[dep.ID]; inPack {
			if !a.standing(parent) {
				return dep, nil
			}
			a.times = append(a.times, a.versions[parent].Time)
			continue
		}
		p, found, err := a.lookup(dep)
		if err != nil || !found {
			return dep, err
		}
		a.times = append(a.times, p.time)
	}
	return nil, nil
}

// standing reports whether a version of the pack is here or will be.
func (a *applier) standing(i int) bool { return a.fates[i] == fateTaken || a.fates[i] == fateHere }

// before is the version of the pack that another one follows in its chain.
func (a *applier) before(i int) (prev int, inPack bool) {
	if i > 0 && a.versions[i-1].ID == a.versions[i].Prev { // most packs are long stretches of one author
		return i - 1, true
	}
	prev, inPack = a.index[a.versions[i].Prev]
	return prev, inPack
}

// hold lets a version wait.
func (a *applier) hold(i int, wait waitsFor) {
	if len(a.held) == 0 {
		a.held = make([]waitsFor, len(a.versions))
	}
	a.fates[i], a.held[i] = fateHeld, wait
	a.fallen = append(a.fallen, i)
}

// unvouched reports whether nothing vouches for a version that would be taken.
func (a *applier) unvouched(i int) bool {
	if a.fates[i] != fateTaken || a.vouchers[i] > 0 || a.c.trusting {
		return false
	}
	v := &a.versions[i]
	s, ok := a.sealed[v.ID]
	return !ok || s.Author != v.Author || s.Seq != v.Seq
}

// fell lets those wait that stand on what is not taken, and those for which nothing else vouches. The latter wait for the same,
// so that all up to a seal come together again.
func (a *applier) fell() {
	children := a.children()
	for next := 0; next < len(a.fallen); next++ {
		i := a.fallen[next]
		if prev, ok := a.before(i); ok {
			if a.vouchers[prev]--; a.unvouched(prev) {
				wait := a.noSeal(prev)
				if a.fates[i] == fateHeld {
					wait = a.held[i]
				}
				a.hold(prev, wait)
			}
		}
		for _, child := range children[i] {
			if a.fates[child] == fateTaken {
				a.hold(child, waitsFor{history.ReasonMissingParent, a.versions[i].Ref()})
			}
		}
	}
}

// children are, of each version, those of the pack that it is a parent of.
func (a *applier) children() [][]int {
	children := make([][]int, len(a.versions))
	for i := range a.versions {
		if prev, ok := a.before(i); ok {
			children[prev] = append(children[prev], i)
		}
		for d := range a.versions[i].Deps {
			if parent, ok := a.index[a.versions[i].Deps[d].ID]; ok {
				children[parent] = append(children[parent], i)
			}
		}
	}
	return children
}
