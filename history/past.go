package history

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
)

// Past is what a version or a cut covers, as crdt asks for it. It is for one goroutine, and reads the graph: it must not be
// used while the graph is changed, but may be after.
type Past struct {
	graph *Graph
	ids   IDs
	// at is the first dot of the version, 0 for a cut.
	at   LV
	line Line
	seq  uint64
	cut  Cut
	// applied are the dots that All is about.
	applied []LV
	err     error
}

var (
	_ crdt.Past    = (*Past)(nil)
	_ crdt.SameRun = (*Past)(nil)
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

// Move makes p the past of another version, as NewPast does, and forgets what Applied said.
func (p *Past) Move(first LV) {
	p.at, p.applied = first, p.applied[:0]
	p.line, p.seq = p.graph.At(first)
}

// Applied says what was applied so far to the key that p is used for next: the last dots of its versions. Those that
// others of the key cover may be left out, so for a key whose versions form a chain the newest is enough.
func (p *Past) Applied(last ...LV) { p.applied = append(p.applied[:0], last...) }

// Covers reports whether the version that s names is in the past. A version that is not in the graph is not.
func (p *Past) Covers(s clock.Stamp) bool {
	line, ok := p.lineOf(&s)
	if !ok {
		return false
	}
	if p.at == 0 {
		return p.cut.Contains(line, s.Seq, s.Time)
	}
	if line == p.line {
		return s.Seq < p.seq
	}
	lv, ok := p.graph.Find(line, s.Seq)
	return ok && p.graph.Covers(p.at, lv)
}

// All reports whether the past holds everything that Applied named. It is false for a cut at a time.
func (p *Past) All() bool {
	for _, lv := range p.applied {
		if !p.coversLV(lv) {
			return false
		}
	}
	return true
}

func (p *Past) coversLV(lv LV) bool {
	if p.at > 0 {
		return lv < p.at && p.graph.Covers(p.at, lv)
	}
	if p.cut.byTime {
		return false
	}
	line, seq := p.graph.At(lv)
	return p.cut.clock.Covers(line, seq)
}

// SameRun reports whether s is an earlier version on the line of this one and nothing was merged since, this version
// included. For versions far below the tip of their line it may be false all the same.
func (p *Past) SameRun(s clock.Stamp) bool {
	if p.at == 0 || s.Seq >= p.seq {
		return false
	}
	line, ok := p.lineOf(&s)
	return ok && line == p.line && s.Seq >= p.graph.runStart(p.at)
}

// Err is the first error of the IDs that p was made with. What p has answered since may be wrong: give up what it was for.
func (p *Past) Err() error { return p.err }

// lineOf finds the line that a version is on. Its author and dot say which, but for an author that is forked there may be
// several, and then the id decides.
func (p *Past) lineOf(s *clock.Stamp) (Line, bool) {
	lines := p.graph.byAuthor[s.Author]
	if len(lines) == 1 {
		return lines[0], s.Seq <= p.graph.lines[lines[0]].tip
	}
	lv, found, err := p.graph.Lookup(Ref{Author: s.Author, Seq: s.Seq, ID: s.ID}, p.ids)
	if err != nil && p.err == nil {
		p.err = err
	}
	if !found {
		return 0, false
	}
	line, _ := p.graph.At(lv)
	return line, true
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
