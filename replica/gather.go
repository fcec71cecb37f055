package replica

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// gatherer reads the versions of rows of Runs one after the other, for whoever wants all of them: it builds no links and keeps
// nothing in the cache. Its memory goes from one gathering to the next.
type gatherer struct {
	reader   rowReader
	memory   arena
	versions []history.Version
	authors  map[identity.Author]bool
	size     int
}

func (g *gatherer) reset() {
	clear(g.versions)
	clear(g.authors)
	g.versions, g.size, g.memory.chunk = g.versions[:0], 0, g.memory.chunk[:0]
	if g.authors == nil {
		g.authors = make(map[identity.Author]bool)
	}
}

// full reports whether what was gathered makes a pack.
func (g *gatherer) full() bool {
	return g.size >= packedBytes || len(g.authors) >= packedAuthors
}

// row adds the versions of a row that lie in ascending ranges, and returns the row's last dot and whether it is open.
func (g *gatherer) row(space identity.Space, row store.Row, ranges []history.Range) (last history.LV, open bool, err error) {
	lv := history.LV(store.KeyInt(row.Key)) - 1
	parts, err := parseRunRow(lv+1, row.Value)
	if err == nil && len(parts.run) == 0 {
		return lv, parts.open, nil // a tip alone
	}
	if err == nil {
		err = g.reader.reset(space, &parts)
	}
	for err == nil {
		var v *history.Version
		if v, err = g.reader.next(); err != nil {
			break
		}
		lv += history.LV(v.Width)
		for len(ranges) > 0 && ranges[0].To < lv {
			ranges = ranges[1:]
		}
		if len(ranges) > 0 && ranges[0].From <= lv {
			g.add(v)
		}
	}
	if !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, store.KeyInt(row.Key), err)
	}
	return lv, parts.open, nil
}

// add keeps a copy of a version.
func (g *gatherer) add(v *history.Version) {
	kept := *v
	kept.Payload, kept.Deps, kept.Contents = g.memory.keep(v.Payload), slices.Clone(v.Deps), slices.Clone(v.Contents)
	g.size += len(v.Payload) + minGathered + len(v.Deps)*depGathered
	for i := range kept.Contents {
		kept.Contents[i].Body = g.memory.keep(kept.Contents[i].Body)
		g.size += len(kept.Contents[i].Body) + 24
	}
	g.versions = append(g.versions, kept)
	g.authors[v.Author] = true
}

// minGathered is what a version counts for beside its payload.
const minGathered = 96

// depGathered is what each of its parents counts for beside the previous version: a pack states the id of one that is not in it.
const depGathered = 40

// nextVersions takes the missing versions of the next rows: as many rows as make a pack. They are valid until the next
// call.
func (f *feed) nextVersions(s *snap) ([]history.Version, error) {
	f.gather.reset()
	f.gather.versions = slices.Grow(f.gather.versions, f.missing())
	for len(f.ranges) > 0 {
		first, err := s.rowOf(max(f.ranges[0].From, f.next))
		if err != nil {
			return nil, err
		}
		full, err := f.readRows(s, first)
		if err != nil || full {
			return f.gather.versions, err
		}
	}
	return f.gather.versions, nil
}

// missing is how many of the next dots are missing, as far as room should be made for them.
func (f *feed) missing() int {
	n := history.LV(0)
	for _, r := range f.ranges {
		if n += r.To - r.From + 1; n >= packedBytes/minGathered {
			return packedBytes / minGathered
		}
	}
	return int(n)
}

// readRows takes rows from one on, until they make a pack or the next missing dot is some rows away. A pack does not end with
// a row that is open, unless it would be too large otherwise: then what it ends with waits at the peer for the pack with the seal.
func (f *feed) readRows(s *snap, first history.LV) (full bool, err error) {
	g := &f.gather
	sealed, open := f.reached(), false
	for row, err := range s.tx.Scan(store.Runs, store.Range{From: store.IntKey(uint64(first))}) {
		if err != nil {
			return false, err
		}
		at := history.LV(store.KeyInt(row.Key))
		if len(f.ranges) == 0 || !open && at > first && f.ranges[0].From > at+nearDots {
			return false, nil
		}
		if !open && g.full() {
			return true, nil
		}
		before := f.reached()
		var last history.LV
		if last, open, err = g.row(s.space, row, f.ranges); err != nil {
			return false, err
		}
		if sealed.versions > 0 {
			before = sealed
		}
		if before.versions > 0 && g.size > maxPackedBytes {
			f.goBack(before)
			return true, nil
		}
		for len(f.ranges) > 0 && f.ranges[0].To <= last {
			f.ranges = f.ranges[1:]
		}
		if f.next = last + 1; !open {
			sealed = f.reached()
		}
	}
	return false, nil
}

// gathered is how far a feed has come: what it has gathered, and what is still missing from which dot on.
type gathered struct {
	versions, size int
	ranges         []history.Range
	next           history.LV
}

func (f *feed) reached() gathered {
	return gathered{len(f.gather.versions), f.gather.size, f.ranges, f.next}
}

// goBack lets go of what was gathered since.
func (f *feed) goBack(to gathered) {
	f.gather.versions, f.gather.size = f.gather.versions[:to.versions], to.size
	f.ranges, f.next = to.ranges, to.next
}

// nearDots is how far the next missing dot may be for rows to be read through rather than looked up.
const nearDots = 64
