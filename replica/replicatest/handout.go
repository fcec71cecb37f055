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
}

func newLeft() left {
	return left{make(map[identity.Author]uint64), make(map[identity.Author]bool)}
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

// setBack sees that the database was set back to what is seen now, and the sidecar was not.
func (l *left) setBack(w *World, seen Set) {
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
