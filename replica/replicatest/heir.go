package replicatest

import (
	"errors"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// inherit lets somebody join who meets one replica and nobody else: it must get all, so that for each version which is here there
// is something that proves it to others (I2).
func (w *World) inherit() {
	d := pick(w, w.devices)
	heir, err := replica.Join(w.ctx, memory.New(), w.invite, d.options())
	if err != nil {
		w.failf("I2", "somebody joins at last: %v", err)
	}
	s := heir.Session(w.ctx)
	errA, errB := w.talk(d.r.Session(w.ctx), s)
	if err := errors.Join(errA, errB, heir.Close()); err != nil || !s.Report().Equal {
		w.failf("I2", "who joins at last and meets %s does not come to hold the same: %v", d.name, err)
	}
	w.count("check: inherited")
}
