package history

import (
	"math"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// Past is what a version or a cut covers, as crdt asks for it; whether that is all there is on a key is for the caller to say. It is
// for one goroutine, and reads the graph: it must not be
// used while the graph is changed, but may be after.
type Past struct {
	graph *Graph
	ids   IDs
	// at is the first dot of the version, 0 for a cut, newest the greatest of those of its parents: no later one is in the past.
	at, newest LV
	// until is the greatest time of its parents, if it was told: nothing later is in the past either.
	until clock.Time
	line  Line
	seq   uint64
	// own is the author of the version, saw the newest version of another line that may be in the past.
	own identity.Author
	saw LV
	cut Cut
	// author, lines and branches are those of the version that was asked about last, when the graph had come to asOf.
	author   identity.Author
	asOf     LV
	lines    []Line
	branches *branches
	// clock is what the version covers, once so many were looked for that it pays.
	looked int
	clock  Clock
	asked  int
	err    error
}

var (
	_ crdt.SameRun    = (*Past)(nil)
	_ crdt.Chain      = (*Past)(nil)
	_ crdt.Latest     = (*Past)(nil)
	_ crdt.SameAuthor = (*Past)(nil)
)

// NewPast is the past of the version whose first dot is first, without that version itself. It asks ids only about
// authors that are forked.
func NewPast(g *Graph, ids IDs, first LV) *Past {
	p := &Past{graph: g, ids: ids}
	p.Move(first)
	return p
}

// NewCutPast is all that a cut holds.
func NewCutPast(g *Graph, ids IDs, cut Cut) *Past {
	return &Past{graph: g, ids: ids, cut: cut}
}

// Move makes p the past of another version, as NewPast does.
func (p *Past) Move(first LV) {
	p.at = first
	p.line, p.seq = p.graph.At(first)
	p.own, p.saw = p.graph.lines[p.line].info.Author, p.graph.lines[p.line].saw
	p.newest = p.graph.newestParent(first)
	p.looked, p.clock = 0, Clock{}
	p.until = math.MaxUint64
}

// Parents are the last dots of the version's parents: the previous one of its line first, where there is one.
func (p *Past) Parents() (parents []LV) {
	span := p.graph.spanOf(p.at)
	if p.graph.spans[span].lv < p.at {
		return []LV{p.at - 1}
	}
	if _, lv := p.graph.previous(span); lv > 0 {
		parents = append(parents, lv)
	}
	from, to := p.graph.depsOf(span)
	return append(parents, p.graph.depLVs[from:to]...)
}

// newestParent is the greatest of the last dots of a version's parents, 0 if it has none; first is its first dot.
func (g *Graph) newestParent(first LV) (newest LV) {
	span := g.spanOf(first)
	if g.spans[span].lv < first {
		return first - 1
	}
	_, newest = g.previous(span)
	if from, to := g.depsOf(span); from < to {
		newest = max(newest, g.depLVs[to-1])
	}
	return newest
}

// Until tells p the greatest time of the version's parents, which spares looking for what is later. Move forgets it.
func (p *Past) Until(t clock.Time) { p.until = t }

// Latest is a time: of what is later nothing is in the past.
func (p *Past) Latest() clock.Time {
	switch {
	case p.at == 0:
		return math.MaxUint64
	case p.newest == 0:
		return 0
	}
	return p.until
}

// Newest is a dot: of what was applied later nothing is in the past.
func (p *Past) Newest() LV {
	if p.at == 0 {
		return math.MaxUint64
	}
	return p.newest
}

// Oldest is a dot: of what was applied earlier nothing is in the past.
func (p *Past) Oldest() LV {
	if !p.SameAuthor() {
		return 0
	}
	return p.graph.spans[p.graph.lines[p.line].spans[0]].lv
}

// SameAuthor reports whether all of the past is on the line of this version. It may be false where the line saw another later.
func (p *Past) SameAuthor() bool { return p.at > 0 && p.saw == 0 }

// Covers reports whether the version that s names is in the past. A version that is not in the graph is not.
func (p *Past) Covers(s clock.Stamp) bool {
	if p.at > 0 && (p.newest == 0 || s.Time > p.until || p.SameAuthor() && s.Author != p.own) {
		return false
	}
	p.asked++
	line, lv, ok := p.place(&s)
	switch {
	case !ok:
		return false
	case p.at == 0:
		return p.cut.Contains(line, s.Seq, s.Time)
	case line == p.line:
		return s.Seq < p.seq
	}
	if lv > min(p.newest, p.saw) {
		return false
	}
	if p.fewAsked() {
		return p.graph.Covers(p.at, lv)
	}
	return p.clock.Covers(line, s.Seq)
}

// CoversLV is Covers for a version by one of its dots. It is false for a cut at a time.
func (p *Past) CoversLV(lv LV) bool {
	if p.at > 0 && lv > p.newest {
		return false
	}
	p.asked++
	clock := &p.clock
	switch {
	case p.at == 0:
		clock = &p.cut.clock
	case lv > p.saw:
		return p.graph.isOn(p.line, lv)
	case p.fewAsked():
		return p.graph.Covers(p.at, lv)
	}
	line, seq := p.graph.At(lv)
	return !p.cut.byTime && clock.Covers(line, seq)
}

// manyAsked is how many questions about a version are answered by a walk each: more cost less where its clock is at hand.
const manyAsked = 8

// fewAsked counts a question, and is false once the clock is at hand.
func (p *Past) fewAsked() bool {
	if p.looked++; p.looked <= manyAsked {
		return true
	}
	if p.clock.marks == nil {
		p.clock = p.graph.Clock(p.at)
	}
	return false
}

// SameRun reports whether s is an earlier version on the line of this one and nothing was merged since, this version
// included. For versions far below the tip of their line it may be false all the same.
func (p *Past) SameRun(s clock.Stamp) bool {
	if p.at == 0 || s.Seq >= p.seq {
		return false
	}
	line, _, ok := p.place(&s)
	return ok && line == p.line && s.Seq >= p.graph.runStart(p.at)
}

// Chain reports whether no version of the past is concurrent with another. It is false for a cut.
func (p *Past) Chain() bool { return p.at > 0 && p.seq <= p.graph.lines[p.line].chain }

// Asked is how many versions p was asked about that it had to look for: what that costs grows with it.
func (p *Past) Asked() int { return p.asked }

// Err is the first error of the IDs that p was made with. What p has answered since may be wrong: give up what it was for.
func (p *Past) Err() error { return p.err }

// place finds the line that a version is on, and its last dot. Its author and dot say which, but for an author that is forked there
// may be several, and then the id decides.
func (p *Past) place(s *clock.Stamp) (Line, LV, bool) {
	if p.author != s.Author || p.asOf != p.graph.next {
		p.author, p.asOf = s.Author, p.graph.next
		p.lines, p.branches = p.graph.byAuthor[s.Author], p.graph.forked[s.Author]
	}
	if len(p.lines) == 1 {
		lv, ok := p.graph.Find(p.lines[0], s.Seq)
		return p.lines[0], lv, ok
	}
	v, found, err := p.graph.find(s.Entry(), p.lines, p.branches, p.ids)
	if err != nil && p.err == nil {
		p.err = err
	}
	return v.line, v.lv, found && v.id == s.ID
}

// runSpans is how many spans runStart looks back where it has no better way.
const runSpans = 64

// runStart is the first dot of the run of versions up to lv of which only the first may have other parents than the one
// before it. It may start later than it could, far below the tip.
func (g *Graph) runStart(lv LV) uint64 {
	s := &g.spans[g.spanOf(lv)]
	l := &g.lines[s.line]
	ord := s.ord
	if ord >= l.merge {
		ord = l.merge
	} else {
		for range runSpans {
			from, to := g.depsOf(l.spans[ord])
			if from < to || ord == 0 {
				break
			}
			ord--
		}
	}
	return g.spans[l.spans[ord]].seq
}
