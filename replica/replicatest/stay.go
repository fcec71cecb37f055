package replicatest

import (
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
)

// stayAtLast joins the replicas in a line by sessions that stay, over perfect links, and lets everybody write: what one writes
// is with all when nobody has anything more to say, without another session (I2, I11).
func (w *World) stayAtLast() {
	var sides []*protocol.Session
	var owners []*device
	for i := range w.devices[1:] {
		a, b := w.devices[i], w.devices[i+1]
		sides = append(sides, a.r.LiveSession(w.ctx), b.r.LiveSession(w.ctx))
		owners = append(owners, a, b)
	}
	w.quieten(sides, owners)
	for _, d := range w.devices {
		if d.readOnly {
			continue
		}
		for i := range 2 {
			w.attempt(d, &attempt{
				what: "set while linked", may: func(error) bool { return false },
				run: func() (replica.Version, error) { return d.r.Set(w.ctx, "z/"+d.name, fmt.Sprint("while linked ", i)) },
			})
		}
		if w.chance(50) {
			w.quieten(sides, owners)
		}
	}
	w.quieten(sides, owners)
	for _, s := range sides {
		s.Rest()
	}
	w.quieten(sides, owners)
	if !w.allEqual() {
		w.failf("I2", "replicas that are linked are not equal when nobody has anything more to say")
	}
	for _, s := range sides {
		rep := s.Report()
		if !rep.Live || rep.Err != nil || rep.Unacked != 0 || !rep.Equal || rep.Diverged {
			w.failf("I2", "a link at last: %+v", rep)
		}
		s.Leave()
	}
	w.quieten(sides, owners)
	for i, s := range sides {
		if !s.Done() || s.Close() != nil {
			w.failf("I2", "%s does not leave: %v", owners[i].name, s.Report().Err)
		}
	}
	w.count("check: linked at last")
}

// quieten carries frames between neighbouring sides until nobody has anything more to say.
func (w *World) quieten(sides []*protocol.Session, owners []*device) {
	for moved := true; moved; {
		moved = false
		for i, from := range sides {
			from.Changed()
			to := sides[i^1]
			for {
				frame, err := from.Next()
				if err != nil {
					w.failf("I2", "%s: %v", owners[i].name, err)
				}
				if frame == nil {
					break
				}
				moved = true
				if err := to.Receive(slices.Clone(frame)); err != nil {
					w.failf("I2", "%s: %v", owners[i^1].name, err)
				}
			}
			owners[i^1].ingest()
			owners[i^1].hears(to, owners[i], false)
		}
	}
}
