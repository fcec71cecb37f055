package replicatest

import (
	"context"
	"errors"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
)

// belief is whose word a replica's receipt is that it keeps under the name of an author. Copies of a database have one name until
// they know of each other.
type belief struct {
	author identity.Author
	of     *device
	// life is the one in which the other replica said so. Whoever was set back does not hold any more what it once acknowledged.
	life int
	// raw: it was said over a link on which anything may happen to a frame. An ack counts the packs that came, so it can be taken for
	// one of a pack that was lost.
	raw bool
	row []byte
}

// hears looks at what a replica believes of the one at the other end of a session that just spoke (I19).
func (d *device) hears(s *protocol.Session, of *device, raw bool) {
	author := s.Report().Peer.Author
	row := d.receipt(author)
	if row == nil {
		return
	}
	i := slices.IndexFunc(d.beliefs, func(b belief) bool { return b.author == author })
	if i < 0 {
		i = len(d.beliefs)
		d.beliefs = append(d.beliefs, belief{author: author})
	}
	if b := &d.beliefs[i]; !slices.Equal(b.row, row) {
		*b = belief{author, of, of.life, raw, row}
		d.judge(b)
	}
}

// receipt is the row that a replica has of an author, nil for none.
func (d *device) receipt(author identity.Author) []byte {
	row, err := d.disk.GetOne(d.w.ctx, store.Peers, author[:])
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		d.w.failf("I19", "%s: %v", d.name, err)
	}
	return row
}

// covered are the versions here that a receipt covers.
func (d *device) covered(row []byte) (all Set) {
	p, err := store.DecodePeer(row)
	if err != nil {
		d.w.failf("I19", "%s: %v", d.name, err)
	}
	var held clock.Vector
	if len(p.Clock) > 0 {
		r := canon.NewReader(p.Clock)
		if held, err = clock.ReadVector(&r); err != nil {
			d.w.failf("I19", "%s: %v", d.name, err)
		}
	}
	for _, e := range held {
		if n, known := d.w.model.byEntry[e]; known && d.seen.Has(n) {
			all.AddAll(d.w.model.Closed(n))
		}
	}
	return all
}

// judge: nobody is believed to hold what it does not hold durably (I19). It reports whether that could be told: whoever does not
// run is looked at when it does again. Copies have one name until they know
// of each other, so any of them may have said it.
func (d *device) judge(b *belief) bool {
	w, of := d.w, b.of
	if b.raw || b.life != of.life || of.r == nil {
		return false
	}
	believed := d.covered(b.row)
	if len(believed.Without(of.seen)) > 0 && !of.ingest() {
		return false
	}
	for _, n := range believed.Without(of.seen) {
		if !w.heldByCopy(of, n) {
			w.failf("I19", "%s believes that %s holds %s, and it does not", d.name, of.name, w.model.Stamp(n).Name())
		}
	}
	w.count("receipt: true")
	if w.copied(d) || w.copied(of) {
		w.count("receipt: true of copies")
	}
	return true
}

// judgedByAll lets all judge what they believe of a replica that has just started, from what was on its disk (I4, I19).
func (w *World) judgedByAll(of *device) {
	for _, d := range w.devices {
		for i := range d.beliefs {
			if d.beliefs[i].of == of && d.judge(&d.beliefs[i]) {
				w.count("receipt: of who starts again")
			}
		}
	}
}

// checkReceipts: what is believed of others is true, and is what Peers and WaitSynced say.
func (d *device) checkReceipts() {
	w := d.w
	for i := range d.beliefs {
		d.judge(&d.beliefs[i])
	}
	if d.r == nil {
		return
	}
	peers, err := d.r.Peers(w.ctx)
	if err != nil {
		if !d.tolerates(err) {
			w.failf("I19", "%s: %v", d.name, err)
		}
		return
	}
	some, holders := -1, 0
	if d.seen.Len() > 0 {
		some = pick(w, d.seen.Members())
	}
	for _, p := range peers {
		covered := d.covered(d.receipt(p.Author))
		if covered.Has(some) {
			holders++
		}
		if behind := w.model.dots(d.seen.Without(covered)); p.Behind != behind {
			w.failf("I19", "%s says that %s lacks %d dots, and by its receipt it lacks %d", d.name, p.Name, p.Behind, behind)
		}
	}
	if some >= 0 {
		d.checkWaiters(some, holders)
	}
}

// checkWaiters: nobody who waits for more replicas to hold a version than are known to hold it is told that they do.
func (d *device) checkWaiters(n, holders int) {
	w := d.w
	err := d.r.WaitSynced(&hurry{Context: w.ctx}, replica.Version{Stamp: w.model.Stamp(n)}, holders+1)
	switch {
	case err == nil:
		w.failf("I19", "%s says that %d replicas hold %s, and has receipts of %d", d.name, holders+1, w.model.Stamp(n).Name(), holders)
	case errors.Is(err, context.Canceled):
		w.count("check: receipts")
	case !d.tolerates(err):
		w.failf("I19", "%s: %v", d.name, err)
	}
}

// hurry is a context that is over as soon as somebody waits for it.
type hurry struct {
	context.Context
	over bool
}

// Done implements context.Context.
func (h *hurry) Done() <-chan struct{} {
	h.over = true
	done := make(chan struct{})
	close(done)
	return done
}

// Err implements context.Context.
func (h *hurry) Err() error {
	if h.over {
		return context.Canceled
	}
	return h.Context.Err()
}

// heldByCopy reports whether a version is held by a replica whose database is a copy of another one's, or the other way round.
func (w *World) heldByCopy(of *device, n int) bool {
	return slices.ContainsFunc(w.devices, func(d *device) bool { return d != of && d.family == of.family && d.seen.Has(n) })
}

// copied reports whether a replica's database is a copy, or has one.
func (w *World) copied(d *device) bool {
	return slices.ContainsFunc(w.devices, func(other *device) bool { return other != d && other.family == d.family })
}
