package replicatest

import (
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

// lookForReissues notices that a replica has written versions again under another author, and checks what it did: it may
// only take back what it wrote itself since it was copied, and each version that is gone has one that stands for it, with
// the same ops. It reports whether all that could be read.
func (d *device) lookForReissues() bool {
	w := d.w
	all, err := d.r.Reissues(w.ctx)
	if err != nil {
		if d.tolerates(err) {
			return false
		}
		w.failf("reissues", "%s: %v", d.name, err)
	}
	if len(all) <= d.again {
		d.again = len(all)
		return true
	}
	fresh := all[d.again:]
	for _, r := range fresh {
		d.rewrote[r.As], w.rewrote[r.As] = true, true
		w.count("reissue: " + r.Why)
		w.tracef("%s: %s", d.name, r)
	}
	before, heads := d.seen, d.heads
	d.again, d.seen, d.heads, d.looked = len(all), nil, nil, look{}
	if ok := d.ingest(); !ok {
		d.seen, d.heads, d.again = before, heads, len(all)-len(fresh)
		return false
	}
	for _, n := range before.Without(d.seen) {
		if d.side != nil && !d.mine.Has(n) {
			w.failf("I7", "%s has taken back %s, which it did not write since it was copied: who did counts it too", d.name,
				w.model.Stamp(n).Name())
		}
		now, ok := d.current(n)
		if !ok {
			return d.r != nil
		}
		w.again[n] = now
	}
	return d.follow()
}

// hearOfReissues lets the world know as which authors a replica has written again, before others show what came of it.
func (d *device) hearOfReissues() {
	all, err := d.r.Reissues(d.w.ctx)
	if err != nil {
		d.w.failf("reissues", "%s: %v", d.name, err)
	}
	for _, r := range all {
		d.w.rewrote[r.As] = true
	}
}

// follow lets what was acknowledged be known by the versions that stand for it now.
func (d *device) follow() bool {
	for i, n := range d.acked {
		if d.seen.Has(n) {
			continue
		}
		now, ok := d.current(n)
		if !ok {
			return false
		}
		d.acked[i] = now
	}
	return true
}

// current is the version that stands for one that is gone (I4). ok is false where the store failed.
func (d *device) current(n int) (now int, ok bool) {
	w := d.w
	v, err := d.r.Current(w.ctx, replica.Version{Stamp: w.model.Stamp(n)})
	if err != nil && d.tolerates(err) {
		return 0, false
	}
	now, known := w.model.Lookup(v.ID)
	if err != nil || !known || !d.seen.Has(now) {
		w.failf("I4", "%s has lost %s, and nothing stands for it: %v", d.name, w.model.Stamp(n).Name(), err)
	}
	if was, is := w.model.edits(n, now), w.model.edits(now, n); was != is {
		w.failf("I4", "%s has written %s again as %s, and other ops:\n%s\n%s", d.name, w.model.Stamp(n).Name(), v, was, is)
	}
	return now, true
}

// countTwice counts the versions that all hold beside the ones that stand for them: a copy of which nobody knew had them
// too. It is known that this happens; see the decision on what is written again.
func (w *World) countTwice() {
	for was, now := range w.again {
		if all := w.devices[0].seen; all.Has(was) && all.Has(now) {
			w.count("reissue: twice, by a silent copy")
		}
	}
}

// edits are the ops of a version, as text, but for which versions a resolve or an erase names: those may have other names now;
// and for operands that nobody has shown, of it or of the other version.
func (m *Model) edits(n, other int) string {
	var b strings.Builder
	others := m.nodes[other].ops
	for i, op := range m.nodes[n].ops {
		if op.code == "resolve" || op.code == "erase" || op.unseen || i < len(others) && others[i].unseen {
			fmt.Fprintf(&b, "%s %s\n", op.code, op.key)
			continue
		}
		fmt.Fprintf(&b, "%s %s %s %v %v\n", op.code, op.key, op.value, op.edits, op.elements)
	}
	return b.String()
}
