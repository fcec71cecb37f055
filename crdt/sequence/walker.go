package sequence

import "slices"

// walker replays events in a tracker: it moves the prepare version to where an event was made, and does it.
type walker struct {
	log     *Log
	tracker tracker
	active  bool
	// end is the number after the last event that is in the tracker; the first is tracker.base.
	end uint32
	// at are the heads of the prepare version. Events before base are in it in any case.
	at   []uint32
	walk frontierWalk
}

// A tracker outlives the last concurrent event: somebody may be about to send more of what he wrote meanwhile, from a version
// on that only this tracker reaches back to. It is given up linger events later, or a keep-th of those that it holds, if they
// are more. Until then it goes on from where it is, if what it lacks is less than a keep-th of what it holds; else a new one begins
// at a critical version that serves.
const (
	linger = 1024
	keep   = 32
)

// rest gives the tracker up, once nobody has written concurrently for a while.
func (w *walker) rest() {
	if w.active && w.log.next-w.end > max(linger, w.kept()) {
		w.active, w.tracker = false, tracker{}
	}
}

// kept is how many events a tracker may lack to be kept.
func (w *walker) kept() uint32 { return (w.end - w.tracker.base) / keep }

// ready brings the tracker to all events of the log, from a version on that an event with the given parents has seen.
// length is that of the document now.
func (w *walker) ready(parents []uint32, length uint32) error {
	base, cut := w.log.critical(parents)
	if cut < 0 {
		return errForksBefore(w.log.from)
	}
	if !w.active || w.tracker.base > base || w.end <= base && w.log.next-w.end > w.kept() {
		w.start(base, length)
	}
	for w.end < w.log.next {
		if err := w.replay(w.log.next); err != nil {
			w.active = false
			return err
		}
	}
	return nil
}

// start begins anew, with the version of all events before base.
func (w *walker) start(base, length uint32) {
	// The base had at most those elements that are there now, and those that were removed since. One more is there that
	// nobody can see: what is inserted at the end is inserted before it.
	w.tracker.reset(base, min(base, length+w.log.removals(base))+1)
	w.tracker.tie, w.tracker.later = w.log.tie, w.log.later
	w.active, w.end, w.at = true, base, w.at[:0]
}

// replay does the events that come next and are in one entry of the graph, up to the one before to. The error wraps
// ErrPosition: the log is damaged.
func (w *walker) replay(to uint32) error {
	i := w.log.entryOf(w.end)
	to = min(to, w.log.entryEnd(i))
	if w.log.entries[i].lv == w.end {
		w.moveTo(w.log.entryParents(i))
	} else {
		before := [...]uint32{w.end - 1}
		w.moveTo(before[:])
	}
	k := w.log.runOf(w.end)
	if _, err := w.log.check(k, w.end, to, w.tracker.tree.total().seen()-1); err != nil {
		return err
	}
	var p piece
	for ; w.end < to; k++ {
		w.log.extent(&p, k, w.end, to)
		w.do(&p)
	}
	return nil
}

// do does an event whose parents are the prepare version, in the tracker, and returns where in the document it inserts; what
// else it does there is in tracker.erased and tracker.changed.
func (w *walker) do(p *piece) (shownAt uint32) {
	switch p.kind {
	case insert:
		shownAt = w.tracker.insert(p.lv, p.n, p.pos)
	case remove, removeBack:
		w.tracker.remove(p.lv, p.n, p.pos, p.kind == removeBack)
	case move:
		w.tracker.move(p.lv, p.pos, p.to)
	case replace:
		w.tracker.replace(p.lv, p.pos)
	}
	w.end = p.lv + p.n
	w.at = append(w.at[:0], w.end-1)
	return shownAt
}

// moveTo takes the prepare version to the one with the given heads: it undoes the events that this one has not seen, and
// does again those that it has.
func (w *walker) moveTo(heads []uint32) {
	if slices.Equal(w.at, heads) {
		return
	}
	w.log.diff(&w.walk, w.at, heads, w.tracker.base)
	for _, s := range w.walk.onlyLeft {
		w.shift(s, false)
	}
	for _, s := range slices.Backward(w.walk.onlyRight) {
		w.shift(s, true)
	}
	w.at = append(w.at[:0], heads...)
}

// shift does or undoes events in the prepare version.
func (w *walker) shift(s span, up bool) {
	for i := w.log.runOf(s.lv); i < len(w.log.runs) && w.log.runs[i].lv < s.end(); i++ {
		from, to := max(w.log.runs[i].lv, s.lv), min(w.log.runEnd(i), s.end())
		switch w.log.runs[i].kind {
		case insert, move:
			w.tracker.shift(from, to-from, up, false)
		case remove, removeBack:
			w.tracker.shiftTargets(from, to, up)
		case replace: // who looks where elements are does not mind what is in them
		}
	}
}

// visible is the length of the document in the prepare version, when it is length in the effect version.
func (w *walker) visible(length uint32) uint32 {
	sum := w.tracker.tree.total()
	return sum.seen() - (sum.shown() - length)
}
