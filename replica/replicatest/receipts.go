package replicatest

import "github.com/kdelta/kdelta/identity"

// checkReceipts: of nobody a replica believes that it holds what it does not hold durably (I19). What the log of the other shows was
// read from its store. Databases that are copies of each other write as one author until they know of each other: then any of them
// may have acknowledged what is believed of that author.
func (d *device) checkReceipts() {
	w := d.w
	peers, err := d.r.Peers(w.ctx)
	if err != nil {
		if !d.tolerates(err) {
			w.failf("I19", "%s: %v", d.name, err)
		}
		return
	}
	for _, p := range peers {
		others, certain := d.known(p.Author)
		if !certain || len(others) == 0 {
			continue
		}
		nearest, least := others[0], d.lacks(others[0])
		for _, other := range others[1:] {
			if n := d.lacks(other); n < least {
				nearest, least = other, n
			}
		}
		if least > p.Behind {
			w.failf("I19", "%s believes that %s lacks %d dots, and it lacks %d versions", d.name, nearest.name, p.Behind, least)
		}
		w.count("check: receipts")
		if w.copied(d) || w.copied(nearest) {
			w.count("check: receipts of copies")
		}
	}
}

// lacks is how many of a replica's versions another one does not hold.
func (d *device) lacks(other *device) uint64 { return uint64(len(d.seen.Without(other.seen))) }

// misheard notes that frames between two replicas went lost, or came otherwise than they were sent.
func (d *device) misheard(other *device) {
	if d.misled == nil {
		d.misled = make(map[int]bool)
	}
	d.misled[other.id] = true
}

// copied reports whether a replica's database is a copy, or has one.
func (w *World) copied(d *device) bool { return len(w.family(d)) > 1 }

// family are the replicas whose databases are copies of each other.
func (w *World) family(of *device) (all []*device) {
	for _, d := range w.devices {
		if d.family == of.family {
			all = append(all, d)
		}
	}
	return all
}

// known are the other replicas that may have told this one what they hold, as an author: the one that writes as such, and
// its family. It is not certain where one of them does not run, was set back, so that it holds less than it once
// acknowledged, or was heard over a link that lost frames.
func (d *device) known(author identity.Author) (others []*device, certain bool) {
	for _, other := range d.w.devices {
		if !other.writesAs(author) {
			continue
		}
		for _, o := range d.w.family(other) {
			if o.r == nil || o.setBack || o.unsure || d.misled[o.id] || !o.ingest() {
				return nil, false
			}
			if o != d {
				others = append(others, o)
			}
		}
		return others, true
	}
	return nil, false
}

// writesAs reports whether it is certain that a replica writes as an author now.
func (d *device) writesAs(author identity.Author) bool {
	if d.r == nil || d.unsure {
		return false
	}
	st, err := d.r.Status(d.w.ctx)
	if err != nil {
		if !d.tolerates(err) {
			d.w.failf("status", "%s: %v", d.name, err)
		}
		return false
	}
	return st.Author == author
}
