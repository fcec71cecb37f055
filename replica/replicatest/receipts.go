package replicatest

import "github.com/kdelta/kdelta/identity"

// checkReceipts: of nobody a replica believes that it holds what it does not hold durably (I19). What the log of the other shows was
// read from its store. Databases that were copied or set back have no say: what they hold is not what they once acknowledged. Nor
// has who was heard over a link that lost frames.
func (d *device) checkReceipts() {
	w := d.w
	if d.twin {
		return // what was said to the other one of the two is written here as well
	}
	peers, err := d.r.Peers(w.ctx)
	if err != nil {
		if !d.tolerates(err) {
			w.failf("I19", "%s: %v", d.name, err)
		}
		return
	}
	for _, p := range peers {
		other := w.deviceOf(p.Author)
		if other == nil || other == d || d.misled[other.id] || !other.ingest() {
			continue
		}
		if lacking := len(d.seen.Without(other.seen)); uint64(lacking) > p.Behind {
			w.failf("I19", "%s believes that %s lacks %d dots, and it lacks %d versions", d.name, other.name, p.Behind, lacking)
		}
		w.count("check: receipts")
	}
}

// misheard notes that frames between two replicas went lost, or came otherwise than they were sent.
func (d *device) misheard(other *device) {
	if d.misled == nil {
		d.misled = make(map[int]bool)
	}
	d.misled[other.id] = true
}

// deviceOf is the replica that writes as an author, nil if it does not run, or if it is not certain that there is one.
func (w *World) deviceOf(author identity.Author) (found *device) {
	for _, d := range w.devices {
		if d.twin || d.r == nil || d.unsure {
			continue
		}
		st, err := d.r.Status(w.ctx)
		if err != nil {
			if !d.tolerates(err) {
				w.failf("status", "%s: %v", d.name, err)
			}
			continue
		}
		if st.Author == author {
			found = d
		}
	}
	return found
}
