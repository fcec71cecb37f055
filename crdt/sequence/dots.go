package sequence

import (
	"cmp"

	"github.com/kdelta/kdelta/identity"
)

// dots says who made the events of a document: which events are which dots.
type dots struct {
	writers []writer
	known   map[line]uint32 // index into writers
	made    []making
	// latest is the writer of the last event, and lastSeq its dot.
	latest  uint32
	lastSeq uint64
}

// line is an author, or one line of an author whose database was copied.
type line struct {
	author identity.Author
	branch uint32
}

// writer is a line that made events. Its makings are indices, ascending: the dots of a line rise as events do.
type writer struct {
	line
	makings []uint32
}

// making is a run of events that are consecutive dots of one writer. It ends where the next one starts.
type making struct {
	lv     uint32
	writer uint32
	seq    uint64
}

// writerOf is the number of a dot's writer, −1 if it made nothing yet.
func (d *dots) writerOf(dot *Dot) int {
	if len(d.writers) > 0 && d.writers[d.latest].is(dot) {
		return int(d.latest)
	}
	if w, ok := d.known[line{dot.Author, dot.Branch}]; ok {
		return int(w)
	}
	return -1
}

func (l *line) is(dot *Dot) bool { return l.author == dot.Author && l.branch == dot.Branch }

// goesOn reports whether a dot is the one after the last.
func (d *dots) goesOn(dot *Dot) bool {
	return dot.Seq > d.lastSeq && dot.Seq-d.lastSeq == 1 && len(d.made) > 0 && d.writers[d.latest].is(dot)
}

// tip is the last dot of a writer; next is the number of the next event.
func (d *dots) tip(w int, next uint32) uint64 {
	if uint32(w) == d.latest {
		return d.lastSeq
	}
	makings := d.writers[w].makings
	last := makings[len(makings)-1]
	return d.made[last].seq + uint64(d.end(int(last), next)-d.made[last].lv) - 1
}

// end is the number after the last event of a making.
func (d *dots) end(i int, next uint32) uint32 {
	if i+1 < len(d.made) {
		return d.made[i+1].lv
	}
	return next
}

// add says that n events from lv on are the dots from dot on, which must follow; w is its writer, −1 for a new one.
func (d *dots) add(dot *Dot, w int, lv, n uint32) {
	goesOn := uint32(w) == d.latest && dot.Seq == d.lastSeq+1 && len(d.made) > 0
	d.lastSeq = dot.Seq + uint64(n) - 1
	if goesOn {
		return
	}
	if w < 0 {
		of := line{dot.Author, dot.Branch}
		w = len(d.writers)
		d.writers = append(d.writers, writer{line: of})
		if d.known == nil {
			d.known = make(map[line]uint32)
		}
		d.known[of] = uint32(w)
	}
	d.latest = uint32(w)
	d.writers[w].makings = append(d.writers[w].makings, uint32(len(d.made)))
	d.made = append(d.made, making{lv: lv, writer: d.latest, seq: dot.Seq})
}

// makingOf is the index of the making that has an event.
func (d *dots) makingOf(lv uint32) int {
	low, high := 0, len(d.made)
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); d.made[mid].lv <= lv {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// dot is the name of an event.
func (d *dots) dot(lv uint32) Dot { return d.dotIn(d.makingOf(lv), lv) }

// dotIn is the name of an event of a making.
func (d *dots) dotIn(i int, lv uint32) Dot {
	m := &d.made[i]
	w := &d.writers[m.writer]
	return Dot{Author: w.author, Branch: w.branch, Seq: m.seq + uint64(lv-m.lv)}
}

// find is the event that a dot names; next is the number of the next event.
func (d *dots) find(dot *Dot, next uint32) (lv uint32, ok bool) {
	w := d.writerOf(dot)
	if w < 0 {
		return 0, false
	}
	makings := d.writers[w].makings
	low, high := 0, len(makings)
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); d.made[makings[mid]].seq <= dot.Seq {
			low = mid
		} else {
			high = mid
		}
	}
	i := int(makings[low])
	m := &d.made[i]
	if dot.Seq < m.seq || dot.Seq-m.seq >= uint64(d.end(i, next)-m.lv) {
		return 0, false
	}
	return m.lv + uint32(dot.Seq-m.seq), true
}

// compare orders two events by author and seq; zero is for two branches of one author.
func (d *dots) compare(a, b uint32) int {
	x, y := &d.made[d.makingOf(a)], &d.made[d.makingOf(b)]
	if x.writer != y.writer {
		if c := d.writers[x.writer].author.Compare(d.writers[y.writer].author); c != 0 {
			return c
		}
	}
	return cmp.Compare(x.seq+uint64(a-x.lv), y.seq+uint64(b-y.lv))
}
