package replicatest

import (
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// left is what has left a replica: how far, by author, and as which of them its database may not write any more. It was set back
// behind something that had left, and the sidecar beside it knows that (I13).
type left struct {
	upTo  map[identity.Author]uint64
	spent map[identity.Author]bool
	// setBack says that the database was set back, and that nobody has seen yet to where.
	setBack bool
}

func newLeft() left {
	return left{upTo: make(map[identity.Author]uint64), spent: make(map[identity.Author]bool)}
}

// note sees a frame that a replica puts on a link.
func (l *left) note(frame []byte) {
	b, ok := protocol.PackIn(frame)
	if !ok {
		return
	}
	h, _, err := pack.ReadHeader(b)
	if err != nil {
		return // whoever receives it says so
	}
	for i := range h.Chains {
		tip := &h.Chains[i].Tip
		l.upTo[tip.Author] = max(l.upTo[tip.Author], tip.Seq)
	}
}

// see sees what a replica holds that has just started. Where it was set back, and the sidecar was not, it may not write any more as
// those of whom more had left.
func (l *left) see(w *World, seen Set) {
	if !l.setBack {
		return
	}
	l.setBack = false
	holds := make(map[identity.Author]uint64)
	for _, n := range seen.Without(nil) {
		s := w.model.Stamp(n)
		holds[s.Author] = max(holds[s.Author], s.Seq)
	}
	for author, seq := range l.upTo {
		if seq > holds[author] && !l.spent[author] {
			l.spent[author] = true
			w.count("restore: behind what has left")
		}
	}
}
