package replica

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// gatherer puts versions of rows of Runs into a pack, one after the other: it builds no links and keeps nothing in the cache. Its
// memory goes from one pack to the next.
//
// It hashes what has to be: a pack names the tips of its chains and what is outside of it, the rows name most of these, and
// whoever gets the pack computes all of them anyway.
type gatherer struct {
	reader rowReader
	packer pack.Encoder
	// ends are the last dots of the chains of the pack.
	ends    []history.LV
	authors map[identity.Author]bool
	size    int
	// sealed is the dot behind what is sealed in the pack with all before it, 0 while there is nothing.
	sealed history.LV
	// erasing are the versions that erase something, erasers those that erased contents of versions.
	erasing, erasers []clock.Entry
	// frame is memory for the pack, with room for a frame around it.
	frame []byte
	// lists is set by who asks for all versions by name; they are then in listed.
	lists  bool
	listed []history.Ref
}

// gatherers lend the memory of feeds that are closed to those that are opened next.
var gatherers = sync.Pool{New: func() any { return new(gatherer) }}

// reset begins a pack of the missing dots in ranges.
func (g *gatherer) reset(ranges []history.Range) {
	g.packer.Reset(roomFor(ranges))
	clear(g.authors)
	g.ends, g.size, g.sealed = g.ends[:0], 0, 0
	g.erasing, g.erasers, g.listed = g.erasing[:0], g.erasers[:0], g.listed[:0]
	if g.authors == nil {
		g.authors = make(map[identity.Author]bool)
	}
}

// roomFor is how many of the missing dots go into a pack at most.
func roomFor(ranges []history.Range) int {
	n := history.LV(0)
	for _, r := range ranges {
		if n += r.To - r.From + 1; n >= packedBytes/minGathered {
			return packedBytes / minGathered
		}
	}
	return int(n)
}

// encode makes the pack of what was gathered in the frame, where it stays until the next.
func (g *gatherer) encode(proofs pack.Options) (packed []byte, err error) {
	g.frame = append(g.frame[:0], make([]byte, protocol.FrameRoom)...)
	g.frame, err = g.packer.Finish(g.frame, proofs)
	return g.frame[protocol.FrameRoom:], err
}

// full reports whether what was gathered makes a pack.
func (g *gatherer) full() bool {
	return g.size >= packedBytes || len(g.authors) >= packedAuthors
}

// row adds the versions of a row that lie in ascending ranges, and returns the row's last dot and whether it is open.
func (g *gatherer) row(s *snap, row store.Row, ranges []history.Range) (last history.LV, open bool, err error) {
	first := history.LV(store.KeyInt(row.Key))
	parts, err := parseRunRow(first, row.Value)
	if err != nil || len(parts.run) == 0 {
		return first - 1, parts.open, err // a tip alone
	}
	if last, err = g.read(s, &parts, first, ranges, g.lists || s.tip.erased > 0); err != nil {
		return 0, false, fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, first, err)
	}
	return last, parts.open, nil
}

// read is row for one that was taken apart. Ids are computed with hashed, and where they alone tell versions apart.
func (g *gatherer) read(s *snap, parts *runRow, first history.LV, ranges []history.Range, hashed bool) (last history.LV, err error) {
	if err := g.reader.reset(s.space, parts); err != nil {
		return 0, err
	}
	hashed = hashed || g.reader.anyAuthor(s.forked)
	g.reader.unhash(!hashed)
	last = first - 1
	passed := false
	for {
		v, err := g.reader.next()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return 0, err
		}
		last += history.LV(v.Width)
		for len(ranges) > 0 && ranges[0].To < last {
			ranges = ranges[1:]
		}
		switch {
		case len(ranges) == 0 || last < ranges[0].From:
			passed = true
		case passed && !hashed: // it may stand on what was passed over, which only an id names
			return g.read(s, parts, first, ranges, true)
		default:
			if err := g.add(s, v, last); err != nil {
				return 0, err
			}
		}
	}
}

// forked reports whether an author has several lines, so that author and dot do not name a version.
func (s *snap) forked(author identity.Author) bool { return len(s.byAuthor[author]) > 1 }

// add adds a version whose last dot is last.
func (g *gatherer) add(s *snap, v *history.Version, last history.LV) error {
	chain, err := g.packer.Add(v)
	if err != nil {
		return err
	}
	if chain == len(g.ends) {
		g.ends = append(g.ends, last)
		g.authors[v.Author] = true
	}
	g.ends[chain] = last
	g.size += gatheredSize(v)
	if g.lists {
		g.listed = append(g.listed, v.Ref())
	}
	if s.tip.erased > 0 {
		return g.noteErased(s, v)
	}
	return nil
}

// tips are the newest versions of the chains of the pack, the newest first.
func (g *gatherer) tips(s *snap) ([]history.Ref, error) {
	chains := make([]int, len(g.ends))
	for c := range chains {
		chains[c] = c
	}
	order.Sort(chains, func(a, b int) int { return cmp.Compare(g.ends[b], g.ends[a]) })
	tips := make([]history.Ref, 0, len(chains))
	for _, c := range chains {
		if g.packer.Tip(c).ID.IsZero() {
			id, err := s.idOfTip(g.packer.Tip(c), g.ends[c])
			if err != nil {
				return nil, err
			}
			g.packer.NameTip(c, id)
		}
		tips = append(tips, g.packer.Tip(c))
	}
	return tips, nil
}

// idOfTip is the id of a version of an author who has not forked, whose last dot is lv.
func (s *snap) idOfTip(v history.Ref, lv history.LV) (history.ID, error) {
	if line := s.lines[s.byAuthor[v.Author][0]]; line.Seq == v.Seq {
		return line.ID, nil
	}
	id, _, err := s.ID(lv)
	return id, err
}

// gatheredSize is what a version counts for in a pack.
func gatheredSize(v *history.Version) int { return sizeOf(v) + minGathered }

// minGathered is what a version counts for beside what is its own.
const minGathered = 96

// remainder is what is left of what a feed gathers: the dots that are missing, behind the rows before next.
type remainder struct {
	ranges []history.Range
	next   history.LV
}

// nextVersions gathers the missing versions of the next rows: as many rows as make a pack. One that became too large is made again,
// up to where it could end.
func (f *feed) nextVersions(s *snap) error {
	begin := f.remainder
	cut, err := f.readTo(s, s.tip.next)
	if cut > 0 {
		f.remainder = begin
		_, err = f.readTo(s, cut)
	}
	return err
}

// readTo takes rows before the dot end until they make a pack, or until that is too large: then cut is where it has to end.
func (f *feed) readTo(s *snap, end history.LV) (cut history.LV, err error) {
	f.gather.reset(f.ranges)
	for full := false; !full && cut == 0 && len(f.ranges) > 0; {
		from := max(f.ranges[0].From, f.next)
		if from >= end {
			break
		}
		var first history.LV
		if first, err = s.rowOf(from); err != nil {
			return 0, err
		}
		if full, cut, err = f.readRows(s, first, end); err != nil {
			return 0, err
		}
	}
	return cut, nil
}

// readRows takes rows from one on, until they make a pack or the next missing dot is some rows away. A pack does not end with
// a row that is open, unless it would be too large otherwise: then what it ends with waits at the peer for the pack with the seal.
func (f *feed) readRows(s *snap, first, end history.LV) (full bool, cut history.LV, err error) {
	g, open := f.gather, false
	for row, err := range s.tx.Scan(store.Runs, store.Range{From: store.IntKey(uint64(first)), To: store.IntKey(uint64(end))}) {
		if err != nil {
			return false, 0, err
		}
		at := history.LV(store.KeyInt(row.Key))
		if len(f.ranges) == 0 || !open && at > first && f.ranges[0].From > at+nearDots {
			return false, 0, nil
		}
		if !open && g.full() {
			return true, 0, nil
		}
		before := g.packer.Len()
		var last history.LV
		if last, open, err = g.row(s, row, f.ranges); err != nil {
			return false, 0, err
		}
		if before > 0 && g.size > maxPackedBytes {
			return false, cmp.Or(g.sealed, at), nil
		}
		for len(f.ranges) > 0 && f.ranges[0].To <= last {
			f.ranges = f.ranges[1:]
		}
		if f.next = last + 1; !open && g.packer.Len() > 0 {
			g.sealed = f.next
		}
	}
	return false, 0, nil
}

// nearDots is how far the next missing dot may be for rows to be read through rather than looked up.
const nearDots = 64
