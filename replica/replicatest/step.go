package replicatest

import "slices"

// step is one thing that somebody does, or that goes wrong.
func (w *World) step() {
	up := w.up()
	if len(up) == 0 {
		return
	}
	d := pick(w, up)
	if !d.ingest() { // a session may have finished here what broke off before
		return
	}
	switch n := w.rng.IntN(1000); {
	case n < 560:
		w.userOp(d)
		w.stir(d)
	case n < 760:
		w.startSession(d, pick(w, w.devices))
	case n < 800:
		w.partition()
	case n < 840:
		w.clockFault(d)
	case n < 860:
		w.count("restart")
		w.tracef("%s restarts", d.name)
		d.stop()
		d.openUntilUp()
	case n < 875:
		w.count("kill")
		d.crash()
	case n < 890:
		w.clone(d)
	case n < 905:
		w.restore(d)
	case n < 915:
		w.upgrade(d)
	case n < 930:
		d.compact()
	case n < 950:
		w.evilStep(d)
	case n < 975:
		d.checkAll()
	default:
		d.checkPast()
	}
}

// compact packs what a replica holds. Whatever comes of it, everything is as it was.
func (d *device) compact() {
	d.w.count("compact")
	d.w.tracef("%s packs its history", d.name)
	if err := d.r.Compact(d.w.ctx, nil); err != nil && !d.tolerates(err) {
		d.w.failf("compact", "%s: %v", d.name, err)
	}
	if d.r != nil {
		d.checkAll()
	}
}

// partition cuts or mends links.
func (w *World) partition() {
	n := len(w.devices)
	switch w.rng.IntN(4) {
	case 0:
		w.count("partition: two halves")
		side := make([]bool, n)
		for i := range side {
			side[i] = w.chance(50)
		}
		for i := range n {
			for j := range n {
				w.blocked[[2]int{i, j}] = side[i] != side[j]
			}
		}
	case 1:
		w.count("partition: one way")
		w.blocked[[2]int{w.rng.IntN(n), w.rng.IntN(n)}] = true
	default:
		w.count("partition: healed")
		clear(w.blocked)
	}
	w.tracef("links change: %d are cut", len(w.blocked))
}

// clockFault lets a wall clock misbehave.
func (w *World) clockFault(d *device) {
	const minute, year = 60_000, 365 * 24 * 3600_000
	c := d.wall
	switch w.rng.IntN(6) {
	case 0:
		w.count("clock: back")
		c.offset -= int64(w.rng.IntN(60)) * minute
	case 1:
		w.count("clock: forward")
		c.offset += int64(w.rng.IntN(60)) * minute
	case 2:
		w.count("clock: +10 years")
		c.offset += 10 * year
	case 3:
		w.count("clock: -10 years")
		c.offset -= 10 * year
	case 4:
		w.count("clock: frozen")
		c.frozen = c.Now()
	default:
		w.count("clock: set right")
		c.offset, c.frozen = 0, 0
	}
	w.tracef("%s: the clock shows %d", d.name, c.Now())
}

// clone copies a replica's database, with or without what lies beside it; both go on.
func (w *World) clone(d *device) {
	if len(w.devices) >= 8 || d.joining() {
		return
	}
	w.count("clone")
	c := w.newDevice(d.side != nil)
	c.family, c.beliefs = d.family, slices.Clone(d.beliefs)
	c.disk, c.knowsRare = d.disk.Clone(), d.knowsRare
	c.acked, c.readOnly, c.invite = append([]int(nil), d.acked...), d.readOnly, ""
	if d.side != nil && w.chance(60) {
		w.count("clone: with its sidecar")
		c.side.bytes = append([]byte(nil), d.side.bytes...)
	}
	w.tracef("%s is copied to %s", d.name, c.name)
	c.openUntilUp()
}

// restore brings an old state of a replica's database back in its place, or keeps one for later.
func (w *World) restore(d *device) {
	if d.joining() {
		return
	}
	if d.saved == nil || w.chance(30) {
		d.saved = &image{disk: d.disk.Clone(), mine: d.mine.Clone(), acked: append([]int(nil), d.acked...), beliefs: slices.Clone(d.beliefs), readOnly: d.readOnly}
		if d.side != nil {
			d.saved.side = append([]byte(nil), d.side.bytes...)
		}
		w.tracef("%s is backed up", d.name)
		return
	}
	w.count("restore")
	d.life++
	d.stop()
	d.disk, d.acked, d.readOnly = d.saved.disk.Clone(), append([]int(nil), d.saved.acked...), d.saved.readOnly
	d.mine, d.beliefs = d.saved.mine.Clone(), slices.Clone(d.saved.beliefs)
	d.left.setBack = d.side != nil
	if d.side != nil && w.chance(50) {
		w.count("restore: with its sidecar")
		d.side.bytes = append([]byte(nil), d.saved.side...)
		d.left.setBack = false
	}
	if !d.left.setBack {
		d.left = newLeft() // it may do all of that again
	}
	w.tracef("%s is set back", d.name)
	d.openUntilUp()
}

// upgrade turns a read-only member into one that writes.
func (w *World) upgrade(d *device) {
	if !d.readOnly || w.chance(50) {
		return
	}
	w.count("read-only member upgraded")
	w.tracef("%s gets a read-write invite", d.name)
	d.stop()
	d.invite, d.readOnly = w.invite, false
	d.openUntilUp()
}
