package replicatest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
)

// maxRounds is how many rounds a healed world may need, in each of which news travel once up and once down the line in which
// the replicas stand.
const maxRounds = 4

// heal ends all faults, lets everybody sync with everybody, and checks that all hold the same and show the same (I2, I1),
// that everybody can still write (I21), and that every database verifies (I14).
func (w *World) heal() {
	w.tracef("the world heals")
	clear(w.blocked)
	for _, d := range w.devices {
		d.stop()
		d.wall.offset, d.wall.frozen = 0, 0
		if d.side != nil {
			d.side.writes = 0
		}
		d.open(nil)
		d.rediscover()
	}
	w.events, w.sessions = nil, nil
	w.converge("after healing")
	w.checkWaiting()
	w.meetEvilAtLast()
	for _, d := range w.devices {
		if d.readOnly {
			continue
		}
		text := fmt.Sprintf(`{"a":%d,"from":%q}`, w.rng.IntN(9), d.name)
		key := pick(w, []string{"a/1", "f/1", "f/2"})
		w.attempt(d, &attempt{
			what: "set to be known", may: func(error) bool { return false },
			run: func() (replica.Version, error) { return d.r.Set(w.ctx, "z/"+d.name, "to be known") },
		})
		w.attempt(d, &attempt{
			what: "set at last", keys: []string{key}, may: func(err error) bool { return !d.writable(key) || d.shown(key).Kind != "" },
			run: func() (v replica.Version, err error) { return d.r.Set(w.ctx, key, json.RawMessage(text)) },
		})
	}
	w.converge("after a last write each")
	w.checkArrival()
	w.goOn()
	w.stayAtLast()
	w.inherit()
	w.countTwice()
	for _, d := range w.devices {
		d.checkPast()
	}
	pick(w, w.devices).verify() // all rows of one are all rows of all
	for _, d := range w.devices {
		if d.again > 0 { // but for what was written again
			d.verify()
		}
	}
	w.checkEvil()
	for _, d := range w.devices {
		d.stop()
	}
}

// goOn lets everybody write when all have heard of all: no two databases may write as one author any more (I13).
func (w *World) goOn() {
	by := make(map[identity.Author]*device)
	for _, d := range w.devices {
		if d.readOnly {
			continue
		}
		w.attempt(d, &attempt{
			what: "set after all", may: func(error) bool { return false },
			run: func() (replica.Version, error) {
				v, err := d.r.Set(w.ctx, "z/"+d.name, "after all")
				if other := by[v.Author]; err == nil && other != nil {
					w.failf("I13", "%s and %s both write as %s", other.name, d.name, v.Author)
				}
				by[v.Author] = d
				return v, err
			},
		})
	}
	w.converge("when all went on")
}

// converge lets all sync with all until they hold the same.
func (w *World) converge(when string) {
	for round := 1; round <= maxRounds; round++ {
		for i := range w.devices[1:] {
			w.syncHonestly(w.devices[i], w.devices[i+1])
		}
		for i := len(w.devices) - 1; i > 0; i-- {
			w.syncHonestly(w.devices[i], w.devices[i-1])
		}
		if w.allEqual() {
			w.count(fmt.Sprintf("converged in round %d", round))
			for _, d := range w.devices {
				d.checkAll()
			}
			return
		}
	}
	text := ""
	for _, d := range w.devices {
		st, _ := d.r.Status(w.ctx)
		text += fmt.Sprintf("\n%s (%s): %d versions, pending %v, lacks", d.name, st.AuthorName, d.seen.Len(), st.Pending)
		for _, other := range w.devices {
			for _, n := range other.seen.Without(d.seen) {
				text += " " + w.model.Stamp(n).Name()
			}
		}
	}
	w.failf("I2", "%s the replicas are not equal after %d rounds:%s", when, maxRounds, text)
}

func (w *World) allEqual() bool {
	for _, d := range w.devices {
		if d.seen.ID() != w.devices[0].seen.ID() {
			return false
		}
	}
	return true
}

// syncHonestly is one sync without faults.
func (w *World) syncHonestly(a, b *device) {
	sa, sb := a.r.Session(w.ctx), b.r.Session(w.ctx)
	errA, errB := w.talk(sa, sb)
	a.hearOfReissues()
	b.hearOfReissues()
	a.ingest()
	b.ingest()
	a.hears(sa, b, false)
	b.hears(sb, a, false)
	for _, err := range []error{errA, errB} {
		if err == nil {
			continue
		}
		if errors.Is(err, protocol.ErrSelf) || errors.Is(err, protocol.ErrPeer) && errors.Is(errors.Join(errA, errB), protocol.ErrSelf) {
			stA, _ := a.r.Status(w.ctx)
			stB, _ := b.r.Status(w.ctx)
			if stA.Author == stB.Author && stA.Author != (identity.Author{}) {
				w.count("session: copies with each other")
				return
			}
		}
		w.failf("I2", "%s with %s: %v", a.name, b.name, err)
	}
	ra, rb := sa.Report(), sb.Report()
	if ra.Diverged || rb.Diverged {
		w.failf("I1", "%s and %s hold the same and show another state", a.name, b.name)
	}
	w.tracef("%s and %s have synced: %d and %d came", a.name, b.name, ra.Received.Versions, rb.Received.Versions)
}

// meetEvilAtLast lets one replica take whatever the scripted peer has to give, and notes what of it must come to all.
func (w *World) meetEvilAtLast() {
	if w.evil == nil {
		return
	}
	w.evil.handOutAll()
	w.meetEvil(pick(w, w.devices))
	w.arriving = w.evil.arriving(func(id history.ID) bool {
		n, known := w.model.Lookup(id)
		return known && w.devices[0].seen.Has(n)
	})
}

// checkWaiting: nobody lets a version wait for a parent that is here (I16). It is asked before the scripted peer hands out
// everything once more.
func (w *World) checkWaiting() {
	if w.evil == nil {
		return
	}
	for _, d := range w.devices {
		items, err := d.r.Pending(w.ctx)
		if err != nil {
			w.failf("I16", "%s: %v", d.name, err)
		}
		for _, p := range w.evil.waits {
			child, parent := p.child.Name(), p.parent.Name()
			n, known := w.model.Lookup(p.parent.ID)
			if !known || !d.seen.Has(n) || w.evil.named[child] > 1 || w.evil.named[parent] > 1 {
				continue
			}
			for _, item := range items {
				if item.Version == child && item.Wants == parent {
					w.failf("I16", "%s lets %s wait for %s, which it has", d.name, child, parent)
				}
			}
			w.count("check: nothing waits for what is here")
		}
	}
}

// checkArrival: what is bad harms only itself and what depends on it. All else has come to everybody (I16).
func (w *World) checkArrival() {
	for i := range w.arriving {
		v := &w.arriving[i]
		n, known := w.model.Lookup(v.ID)
		for _, d := range w.devices {
			if !known || !d.seen.Has(n) {
				w.failf("I16", "%s was handed out, nothing is wrong with it, and %s does not have it", v.Stamp().Name(), d.name)
			}
		}
		w.count("check: arrived")
	}
	for _, d := range w.devices {
		for _, n := range d.acked {
			for _, other := range w.devices {
				if !other.seen.Has(n) {
					w.failf("I16", "%s acknowledged %s, and %s does not have it", d.name, w.model.Stamp(n).Name(), other.name)
				}
			}
		}
	}
}

// checkEvil: what no replica may take, none has taken, not even one that has lost it since (I15).
func (w *World) checkEvil() {
	if w.evil == nil {
		return
	}
	for n := range w.model.Len() {
		if w.evil.fate(w.model.Stamp(n).ID) == versionBad {
			w.failf("I15", "somebody took %s, which is invalid", w.model.Stamp(n).Name())
		}
	}
}

// verify lets a replica check its database (I14).
func (d *device) verify() {
	rep, err := d.r.Verify(d.w.ctx, nil)
	if err != nil {
		d.w.failf("I14", "%s: %v", d.name, err)
	}
	if len(rep.Damage) > 0 {
		d.w.failf("I14", "%s: %v", d.name, rep.Damage)
	}
	d.w.count("check: verified")
}
