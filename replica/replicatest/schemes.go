package replicatest

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

// scheme makes one thing that is not as it should be, or is only odd.
func (e *evil) scheme() {
	w := e.w
	if e.tip.Seq == 0 {
		e.good(e.put("a/1"))
	}
	n := w.rng.IntN(100)
	switch {
	case e.parent != nil && w.chance(30):
		e.lateParent()
	case e.unsealed != nil && w.chance(20):
		e.lateSeal()
	case n < 12:
		w.count("evil: honest")
		e.good(e.put("a/1"), e.put("m/1"))
	case n < 20:
		w.count("evil: typing")
		e.good(e.splice(), e.splice())
	case n < 32:
		w.count("evil: backdated")
		e.bad(e.tip.Time, nil)
	case n < 40:
		w.count("evil: beyond 2100")
		e.bad(clock.MaxTime+5, nil)
	case n < 46:
		w.count("evil: far future")
		v := e.version(e.key, &e.tip, clock.Time(epoch+50*365*24*3600_000)<<16+e.tip.Time&0xffff, nil, e.put("a/1"))
		if v.Time > e.tip.Time {
			e.tip = v
			e.fates[v.ID] = versionGood
			e.packs = append(e.packs, e.pack(true, []history.Version{v}, v))
		}
	case n < 58:
		w.count("evil: equivocation")
		e.equivocate(2)
	case n < 60:
		w.count("evil: 70 branches")
		e.equivocate(70)
	case n < 68:
		w.count("evil: unsealed")
		v := e.version(e.key, &e.tip, e.tip.Time+1, nil, e.put("a/2"))
		e.fates[v.ID] = versionBad
		e.once = append(e.once, e.pack(true, nil, v))
	case n < 78:
		e.lateCertificate()
	case n < 88:
		e.lateParent()
	case n < 91:
		e.lateSeal()
	case n < 95:
		w.count("evil: parent that nobody has")
		v := e.version(e.key, &e.tip, e.tip.Time+1, []history.Ref{{Author: e.late.Author(), Seq: 9, ID: e.unheard()}}, e.put("a/2"))
		e.fates[v.ID] = versionBad
		e.once = append(e.once, e.pack(true, []history.Version{v}, v))
	default:
		w.count("evil: op of the future")
		e.good(history.Op{Op: crdt.Op{Code: 30, Width: 1, Key: newerKey, Body: canon.Null()}})
	}
}

// bad hands out a version with a time that it must not have, a child of it, and in the same run what is honest before and
// after them.
func (e *evil) bad(at clock.Time, deps []history.Ref) {
	honest := e.good(e.put("f/1"))
	v := e.version(e.key, &honest, at, deps, e.put("a/1"))
	child := e.version(e.key, &v, max(at, honest.Time)+1, nil, e.put("a/2"))
	e.fates[v.ID], e.fates[child.ID] = versionBad, versionBad
	e.tip = e.version(e.key, &honest, honest.Time+1, nil, e.put("f/2"))
	e.fates[e.tip.ID] = versionGood
	p := e.pack(true, []history.Version{honest, child, e.tip}, honest, v, child, e.tip)
	e.packs = append(e.packs, p)
}

// equivocate says different things as one dot, each to others.
func (e *evil) equivocate(branches int) {
	base := e.tip
	if branches > 2 {
		var all []history.Version
		for range branches {
			all = append(all, e.version(e.key, &base, base.Time+1, nil, e.put("m/1")))
			e.fates[all[len(all)-1].ID] = versionGood
		}
		e.tip = all[0]
		e.packs = append(e.packs, e.pack(true, all, all...))
		return
	}
	for range branches {
		e.tip = base
		v := e.version(e.key, &base, base.Time+1, nil, e.put("m/1"), e.splice())
		e.fates[v.ID] = versionGood
		e.once = append(e.once, e.pack(true, []history.Version{v}, v))
		if e.w.chance(50) {
			e.packs = append(e.packs, e.once[len(e.once)-1])
			e.once = e.once[:len(e.once)-1]
			e.tip = v
		}
	}
}

// lateCertificate sends an author's versions first, and its certificate in a later session.
func (e *evil) lateCertificate() {
	if e.lateV == nil {
		e.w.count("evil: no certificate")
		v := e.version(e.late, nil, clock.Next(epoch+e.w.now, 0), nil, e.put("c/1"))
		e.lateV = &v
		e.fates[v.ID] = versionWaiting
		e.once = append(e.once, e.pack(false, []history.Version{v}, v))
		return
	}
	if e.fates[e.lateV.ID] == versionWaiting {
		e.w.count("evil: late certificate")
		e.fates[e.lateV.ID] = versionGood
		e.packs = append(e.packs, e.pack(true, []history.Version{*e.lateV}, *e.lateV))
	}
}

// lateParent sends a version first, and what it is written on top of in a later session.
func (e *evil) lateParent() {
	if e.parent == nil {
		e.w.count("evil: child first")
		parent := e.version(e.key, &e.tip, e.tip.Time+1, nil, e.put("m/1"))
		child := e.version(e.key, &parent, parent.Time+1, nil, e.put("m/1"), e.put("a/1"))
		e.parent, e.orphan = &parent, &child
		e.fates[parent.ID], e.fates[child.ID] = versionGood, versionGood
		p := e.pack(true, []history.Version{child}, child)
		e.packs = append(e.packs, p)
		return
	}
	e.w.count("evil: late parent")
	e.waits = append(e.waits, pairOf{e.orphan.Stamp(), e.parent.Stamp()})
	e.packs = append(e.packs, e.pack(true, []history.Version{*e.parent}, *e.parent))
	if e.tip.ID == e.parent.Prev {
		e.tip = *e.orphan
	}
	e.parent, e.orphan = nil, nil
}

// lateSeal seals a chain whose last version nobody takes: it is refused for its time, or waits for what nobody has. In a later
// session it hands out the others under a seal of their own.
func (e *evil) lateSeal() {
	if e.unsealed == nil {
		e.w.count("evil: a seal over what is not taken")
		first := e.version(e.key, &e.tip, e.tip.Time+1, nil, e.put("m/1"))
		second := e.version(e.key, &first, first.Time+1, nil, e.put("f/1"))
		last := e.version(e.key, &second, second.Time, nil, e.put("a/2"))
		if e.w.chance(30) {
			last = e.version(e.key, &second, second.Time+1, []history.Ref{{Author: e.late.Author(), Seq: 9, ID: e.unheard()}}, e.put("a/2"))
		}
		e.unsealed = []history.Version{first, second}
		e.fates[first.ID], e.fates[second.ID], e.fates[last.ID] = versionWaiting, versionWaiting, versionBad
		e.once = append(e.once, e.pack(true, []history.Version{last}, first, second, last))
		return
	}
	e.w.count("evil: late seal")
	first, second := e.unsealed[0], e.unsealed[1]
	e.fates[first.ID], e.fates[second.ID] = versionGood, versionGood
	e.packs = append(e.packs, e.pack(true, []history.Version{second}, first, second))
	if e.tip.ID == first.Prev {
		e.tip = second
	}
	e.unsealed = nil
}
