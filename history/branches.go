package history

import (
	"sync"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// manyLines is how many lines of an author are looked through one by one. Copies of a database make a few of them; more are the work
// of somebody who means harm, and then their versions are found by their ids, which takes some hundred bytes of memory for each
// version on a branch: less than that version takes on disk.
const manyLines = 8

// branches finds the versions of an author with many lines. Ids are not in memory, so it reads those of new versions when it is asked
// next.
type branches struct {
	mu sync.Mutex // who only reads the graph changes this
	// first are the branches by the ids of their first versions.
	first map[ID]Line
	// named are the versions on branches by the beginning of their ids, but for those on lines that are behind.
	named  map[clock.Prefix]namedVersion
	behind []Line
}

// namedVersion is a version on a branch, by its last dot.
type namedVersion struct {
	id   ID
	lv   LV
	line Line
	seq  uint64
}

// noteLine tells an author's branches of a line that was just added, once there are many.
func (g *Graph) noteLine(line Line) {
	info := &g.lines[line].info
	lines := g.byAuthor[info.Author]
	b := g.forked[info.Author]
	switch {
	case len(lines) <= manyLines:
		return
	case b != nil:
		lines = lines[len(lines)-1:]
	default:
		b = &branches{first: make(map[ID]Line), named: make(map[clock.Prefix]namedVersion)}
		if g.forked == nil {
			g.forked = make(map[identity.Author]*branches)
		}
		g.forked[info.Author] = b
	}
	for _, line := range lines {
		l := &g.lines[line]
		if !l.info.Branch() {
			continue
		}
		l.branches, b.first[l.info.Fork] = b, line
		if l.named = l.info.ForkSeq; l.tip > 0 {
			b.behind = append(b.behind, line)
		}
	}
}

// noteTip tells the branches that a line has a new version; before is the last dot that it had, 0 for none.
func (l *lineState) noteTip(line Line, before uint64) {
	if l.branches != nil && l.named == max(before, l.info.ForkSeq) {
		l.branches.behind = append(l.branches.behind, line)
	}
}

// catchUp reads the ids of the versions that are not named yet, as far as ids can tell them.
func (b *branches) catchUp(g *Graph, ids IDs) error {
	end := ids.Next()
	waiting := b.behind[:0]
	for i, line := range b.behind {
		l := &g.lines[line]
		for l.named < l.tip {
			lv, _ := g.Find(line, l.named+1)
			if lv >= end {
				waiting = append(waiting, line)
				break
			}
			id, last, err := ids.ID(lv)
			if err != nil {
				b.behind = append(waiting, b.behind[i:]...)
				return err
			}
			l.named += uint64(last-lv) + 1
			b.named[id.Prefix()] = namedVersion{id: id, lv: last, line: line, seq: l.named}
		}
	}
	b.behind = waiting
	return nil
}

// find finds the version on a branch that ends with a dot and whose id begins so.
func (b *branches) find(g *Graph, seq uint64, id clock.Prefix, ids IDs) (v namedVersion, found bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.behind) > 0 {
		if err := b.catchUp(g, ids); err != nil {
			return v, false, err
		}
	}
	v, found = b.named[id]
	return v, found && v.seq == seq && v.lv < ids.Next(), nil
}
