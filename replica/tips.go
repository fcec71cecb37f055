package replica

import (
	"cmp"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
)

// A clock names the tip of each line, and holds no more than protocol.MaxTips of them. No honest author forks that often, but a
// member who means harm can, and nothing can be refused for it: who reaches a limit first differs from replica to replica, and what
// others wrote on top would be lost with it. So a clock of more lines tells less than is held, which costs a peer no more than to
// send again what was not told. What others have covered need not be told: to know a version is to know all that it covers.

// rank says how much the tip of a line is worth in a clock that cannot tell all; the least goes first. It depends on the set of versions
// alone, so equal replicas tell the same.
func (s *snap) rank(line history.Line, heads map[history.Line]bool) int {
	switch forked := len(s.byAuthor[s.lines[line].Author]) > 1; {
	case !forked && heads[line]:
		return 0
	case !forked:
		return 1
	case heads[line]:
		return 2
	}
	return 3
}

// tipsUpTo are the tips of all lines, or of so many.
func (s *snap) tipsUpTo(most int) []clock.Entry {
	type tip struct {
		clock.Entry
		line history.Line
	}
	tips := make([]tip, 0, len(s.lines))
	for i, line := range s.lines {
		if line.Seq > 0 {
			at := clock.Stamp{Author: line.Author, Seq: line.Seq, ID: line.ID}
			tips = append(tips, tip{at.Entry(), history.Line(i)})
		}
	}
	if len(tips) > most {
		heads := make(map[history.Line]bool, len(s.tip.heads))
		for _, h := range s.tip.heads {
			heads[h.line] = true
		}
		order.Sort(tips, func(a, b tip) int {
			return cmp.Or(cmp.Compare(s.rank(a.line, heads), s.rank(b.line, heads)), a.Compare(b.Entry))
		})
		tips = tips[:most]
	}
	entries := make([]clock.Entry, len(tips))
	for i := range tips {
		entries[i] = tips[i].Entry
	}
	return entries
}
