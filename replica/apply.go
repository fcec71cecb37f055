package replica

import (
	"cmp"
	"errors"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// applyUnpacked applies what is good of the versions of a pack, from one on: those that are valid, sealed by a certified author, and
// whose parents are here. All of them are looked at where whole is set, else as many as one commit should hold. The verdict on a
// version depends on its bytes and its ancestry alone, so all replicas come to the same, in whatever order versions arrive.
func (c *commit) applyUnpacked(u *unpacked, from int, whole bool) (slice, error) {
	a := &applier{c: c, unpacked: u, placed: make(map[history.ID]place), slice: slice{next: from}, whole: whole}
	told := len(a.refusals)
	if from == 0 { // perhaps again, behind a commit that came to nothing
		a.refusals, told = a.refusals[:a.unfit], 0
	}
	err := a.holding(a.apply)
	if err == nil && len(a.foreign) > 0 {
		err = c.leaveAuthor(a.foreign) // which waits for the sidecar
	}
	a.applied.Refused, a.epoch = a.refusals[told:], c.tip.epoch
	return a.slice, err
}

// holding runs fn while the graph is held.
func (a *applier) holding(fn func() error) error {
	release, err := a.c.holdGraph()
	if err != nil {
		return err
	}
	defer release()
	a.g = a.c.held
	return fn()
}

// holdGraph holds the graph, and what goes with it, until it is released.
func (c *commit) holdGraph() (release func(), err error) {
	unlock := func() {}
	if c.held = c.private; c.held == nil {
		if err := c.snap().graph(func(*history.Graph) error { return nil }); err != nil { // load it
			return nil, err
		}
		cache := &c.r.graph
		cache.mu.Lock()
		if cache.g == nil || cache.epoch != c.tip.epoch {
			cache.mu.Unlock()
			return nil, errGraphLost
		}
		c.held, unlock = cache.g, cache.mu.Unlock
	}
	return func() {
		c.held, c.past, c.reader.held = nil, nil, nil
		unlock()
	}, nil
}

var errGraphLost = errors.New("replica: the version graph was dropped while a pack was applied; try again")

// place is where a version of the pack stands.
type place struct {
	lv   history.LV
	time clock.Time
	line history.Line
}

// applier is one pack being applied.
type applier struct {
	c *commit
	g *history.Graph
	*unpacked
	// slice is what becomes of the versions; whole is true where all of them have to go into this commit.
	slice
	whole bool
	// placed says where versions of the pack stand that are here now, for those that are asked about.
	placed map[history.ID]place
	// author is that of the version attached last, authorLines what lines it has.
	author      identity.Author
	authorLines []history.Line
	// lvs and times are reused space for the parents of a version.
	lvs   []history.LV
	times []clock.Time
	// waiting is what is set aside, waitingAt which of it a version is the last of.
	waiting   []waiting
	waitingAt map[history.ID]int
	// foreign are versions of this database's own author that came and that it did not write.
	foreign map[history.ID]bool
}

func (a *applier) apply() error {
	if err := a.learn(); err != nil {
		return a.c.fail(err)
	}
	if a.next == 0 {
		if err := a.judge(); err != nil {
			return a.c.fail(err)
		}
		a.waitAll()
	}
	a.c.reserve(len(a.versions))
	if err := a.applySlice(); err != nil {
		return a.c.fail(err)
	}
	came := append(dotRanges(nil), a.came...) // without what waited for them, which may have come from somebody else
	defer func() { a.came = came }()
	if err := a.keepWaiting(); err != nil {
		return a.c.fail(err)
	}
	if err := a.retry(); err != nil {
		return a.c.fail(err)
	}
	return a.c.fail(a.keepSeals())
}

// add applies a version that nothing speaks against, whose ops are ops. Since it was judged it may have come otherwise, or, in an
// earlier commit than this one, a parent may have been taken back.
func (a *applier) add(v *history.Version, ops []keyOps) error {
	at, err := a.attach(v)
	if err != nil {
		return err
	}
	switch at.Place {
	case history.PlaceKnown:
		a.isKnown(v, at)
		return nil
	case history.PlaceMissing:
		a.wait(v, waitsFor{history.ReasonMissingParent, v.PrevRef()})
		return nil
	}
	parents, missing, err := a.parents(v, at)
	if err != nil {
		return err
	}
	if missing != nil {
		a.wait(v, waitsFor{history.ReasonMissingParent, *missing})
		return nil
	}
	return a.place(v, ops, at, parents)
}

// errIncomplete says no more than what came: the version itself may be sound, and a replica that holds the whole of it
// can still bring it.
var errIncomplete = errors.New("a value that is kept apart from its version did not come with it, or is another one; " +
	"sync with a replica that holds it")

// complete reports whether the bodies of all ops are here that are not known to be erased.
func (a *applier) complete(v *history.Version, ops []crdt.Op) (bool, error) {
	for i := range ops {
		if ops[i].Body == nil && ops[i].Code.Known() {
			return a.erased(v)
		}
	}
	return true, nil
}

// erases reports whether one of some ops erases something.
func erases(ops []crdt.Op) bool {
	for i := range ops {
		if ops[i].Code == crdt.CodeErase {
			return true
		}
	}
	return false
}

func (a *applier) descendsFromRefused(v *history.Version) bool {
	if len(a.refused) == 0 {
		return false
	}
	for _, d := range v.Deps {
		if a.refused[d.ID] {
			return true
		}
	}
	return a.refused[v.Prev]
}

// attach finds the version's place; mostly it continues its author's only line.
func (a *applier) attach(v *history.Version) (history.Attachment, error) {
	if lines := a.linesOf(v.Author); len(lines) == 1 && v.Seq > v.Width {
		if tip := a.c.lines[lines[0]]; tip.ID == v.Prev && tip.Seq == v.Seq-v.Width {
			return history.Attachment{Place: history.PlaceTip, Line: lines[0], LV: history.LV(tip.LV)}, nil
		}
	}
	return a.g.Attach(v, a.c.snap())
}

// linesOf are an author's lines: mostly those of the author of the version before.
func (a *applier) linesOf(author identity.Author) []history.Line {
	if a.author != author {
		a.author, a.authorLines = author, a.c.byAuthor[author]
	}
	return a.authorLines
}

// parents returns the last dots of the version's parents, and notes the greatest of their times, or names one that is not here.
func (a *applier) parents(v *history.Version, at history.Attachment) (parents []history.LV, missing *history.Ref, err error) {
	parents, a.c.sawUntil = a.lvs[:0], 0
	if at.LV > 0 {
		if a.c.sawUntil, err = a.timeOf(v.Prev, at.LV); err != nil {
			return nil, nil, err
		}
		parents = append(parents, at.LV)
	}
	own := len(parents)
	for i := range v.Deps {
		p, found, err := a.lookup(&v.Deps[i])
		if err != nil || !found {
			return nil, &v.Deps[i], err
		}
		parents, a.c.sawUntil = append(parents, p.lv), max(a.c.sawUntil, p.time)
	}
	order.Sort(parents[own:], cmp.Compare)
	a.lvs = parents
	return parents, nil, nil
}

// lookup finds a version that is here.
func (a *applier) lookup(ref *history.Ref) (p place, found bool, err error) {
	if p, found = a.placed[ref.ID]; found {
		return p, true, nil
	}
	if p.lv, found, err = a.g.Lookup(*ref, a.c.snap()); err != nil || !found {
		return p, false, err
	}
	if p.time, err = a.timeOf(ref.ID, p.lv); err != nil {
		return p, false, err
	}
	p.line, _ = a.g.At(p.lv)
	a.placed[ref.ID] = p
	return p, true, nil
}

// timeOf is the time of an applied version.
func (a *applier) timeOf(id history.ID, lv history.LV) (clock.Time, error) {
	line, _ := a.g.At(lv)
	if tip := a.c.lines[line]; tip.ID == id {
		return clock.Time(tip.Time), nil
	}
	if p, placed := a.placed[id]; placed {
		return p.time, nil
	}
	v, err := a.c.snap().version(lv)
	if err != nil {
		return 0, err
	}
	return v.Time, nil
}

// certified reports whether the author may write in the space.
func (a *applier) certified(author identity.Author) bool {
	if len(a.c.byAuthor[author]) > 0 {
		return true
	}
	_, ok := a.certificates[author]
	return ok
}

// place applies the version.
func (a *applier) place(v *history.Version, ops []keyOps, at history.Attachment, parents []history.LV) error {
	c := a.c
	line := at.Line
	if at.Place == history.PlaceNewLine {
		line = history.Line(len(c.lines))
		row := &store.Author{
			Author: v.Author, Fork: at.Info.Fork, Parent: uint64(at.Info.Parent), ForkSeq: at.Info.ForkSeq,
		}
		if at.Info.Branch() {
			row.Certificate = c.lines[at.Info.Parent].Certificate
			a.applied.Forks++
		} else {
			row.Certificate = a.certificates[v.Author].Append(nil)
		}
		c.setLine(line, row)
		a.author, a.authorLines = v.Author, c.byAuthor[v.Author]
	}
	if c.isOwn(v.Author) {
		if a.foreign == nil {
			a.foreign = make(map[history.ID]bool)
		}
		a.foreign[v.ID] = true
	}
	first := c.tip.next
	if err := c.stage(v, ops, line, parents, true); err != nil {
		return err
	}
	if err := a.unseal(v, line); err != nil {
		return err
	}
	lv := first + history.LV(v.Width) - 1
	a.remember(v.ID, place{lv: lv, time: v.Time, line: line})
	a.came.add(first, lv)
	a.applied.Versions++
	return nil
}

// unseal notes whether a version that was applied has a seal over it. Where all have, a row may end that is half full or goes on from
// an open one: whoever hands the versions on can end a pack there. What this database's author wrote it seals when it hands it on.
func (a *applier) unseal(v *history.Version, line history.Line) error {
	c := a.c
	if s, ok := a.sealed[v.ID]; ok && s.Author == v.Author && s.Seq == v.Seq || c.isOwn(v.Author) {
		delete(c.unsealed, line)
	} else {
		if c.unsealed == nil {
			c.unsealed = make(map[history.Line]bool)
		}
		c.unsealed[line] = true
	}
	if len(c.unsealed) > 0 || c.bytes < maxRunRow/2 && !c.open {
		return nil
	}
	return c.closeRun()
}

// remember notes where a version stands, if somebody will ask.
func (a *applier) remember(id history.ID, at place) {
	if a.wanted[id] {
		a.placed[id] = at
	}
}
