package history

import (
	"cmp"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// IDs tells the id of the version that owns a dot of the graph, and the LV of that version's last dot. Ids are not in
// memory, so it may have to read; it is asked for line tips first, which whoever implements it keeps at hand.
type IDs interface {
	ID(lv LV) (id ID, last LV, err error)
	// Next is the dot from which on it cannot tell: the graph may have versions that whoever asks does not see yet.
	Next() LV
}

// Place is where a version belongs in the graph.
type Place uint8

// The places.
const (
	// PlaceTip: it continues a line, Attachment.Line.
	PlaceTip Place = iota + 1
	// PlaceKnown: it is in the graph already, with its last dot at Attachment.LV.
	PlaceKnown
	// PlaceNewLine: it starts a line, Attachment.Info: its author is new, or was forked. AddLine it.
	PlaceNewLine
	// PlaceMissing: its previous version is not here. It waits; Version.PrevRef says for what.
	PlaceMissing
)

// Attachment says where a version belongs.
type Attachment struct {
	Place Place
	// Line is the line that the version continues or is on.
	Line Line
	// LV is the last dot of the version itself where it is known, else of its previous version, 0 if it has none.
	LV LV
	// Info is the line to add for PlaceNewLine.
	Info LineInfo
}

// Attach finds where a version belongs: by its Prev, which is one of the ids on its author's lines, or not. Parents other
// than Prev are Lookup's matter. The version comes from a Decoder or New, so a first version's Prev is Genesis. The
// error is that of ids.
func (g *Graph) Attach(v *Version, ids IDs) (Attachment, error) {
	prev := v.PrevRef()
	lines := g.byAuthor[v.Author]
	if prev.Seq == 0 {
		return g.attachFirst(v, lines, ids)
	}
	at, found, err := g.Lookup(prev, ids)
	if err != nil {
		return Attachment{}, err
	}
	if !found {
		return Attachment{Place: PlaceMissing}, nil
	}
	line, _ := g.At(at)
	known, err := g.child(v, line, prev.Seq, ids)
	if err != nil || known.Place != 0 {
		return known, err
	}
	if g.lines[line].tip == prev.Seq {
		return Attachment{Place: PlaceTip, Line: line, LV: at}, nil
	}
	info := LineInfo{Author: v.Author, Fork: v.ID, Parent: line, ForkSeq: prev.Seq}
	return Attachment{Place: PlaceNewLine, LV: at, Info: info}, nil
}

func (g *Graph) attachFirst(v *Version, lines []Line, ids IDs) (Attachment, error) {
	if len(lines) == 0 {
		return Attachment{Place: PlaceNewLine, Info: LineInfo{Author: v.Author}}, nil
	}
	first := lines[0]
	if g.lines[first].tip == 0 {
		return Attachment{Place: PlaceTip, Line: first}, nil
	}
	known, err := g.child(v, first, 0, ids)
	if err != nil || known.Place != 0 {
		return known, err
	}
	return Attachment{Place: PlaceNewLine, Info: LineInfo{Author: v.Author, Fork: v.ID, Parent: first}}, nil
}

// child looks for v among the versions that follow the dot seq of a line: the next one on the line, and the first ones of
// the branches that start there. The zero Attachment says that it is none of them.
func (g *Graph) child(v *Version, line Line, seq uint64, ids IDs) (Attachment, error) {
	if branch, found := g.branchOf(v.Author, v.ID); found {
		b := &g.lines[branch]
		if b.tip == 0 {
			return Attachment{Place: PlaceTip, Line: branch, LV: b.forkLV}, nil
		}
		lv, _ := g.Find(branch, v.Seq)
		return Attachment{Place: PlaceKnown, Line: branch, LV: lv}, nil
	}
	if g.lines[line].tip == seq {
		return Attachment{}, nil
	}
	next, _ := g.Find(line, seq+1)
	id, last, err := ids.ID(next)
	if err != nil || id != v.ID {
		return Attachment{}, err
	}
	return Attachment{Place: PlaceKnown, Line: line, LV: last}, nil
}

// branchOf is the branch of an author that starts with a version.
func (g *Graph) branchOf(author identity.Author, first ID) (Line, bool) {
	if b := g.forked[author]; b != nil {
		line, found := b.first[first]
		return line, found
	}
	for _, line := range g.byAuthor[author] {
		if g.lines[line].info.Fork == first {
			return line, true
		}
	}
	return 0, false
}

// Lookup finds the version that ref names, on whichever line of its author, and returns its last dot. It is not found if
// it is not here, or if ref's dot and id do not belong together. The error is that of ids.
func (g *Graph) Lookup(ref Ref, ids IDs) (LV, bool, error) {
	e := clock.Entry{Author: ref.Author, Seq: ref.Seq, ID: ref.ID.Prefix()}
	v, found, err := g.find(e, g.byAuthor[e.Author], g.forked[e.Author], ids)
	return v.lv, found && v.id == ref.ID, err
}

// LookupEntry is Lookup for a version that is named as a clock names it.
func (g *Graph) LookupEntry(e clock.Entry, ids IDs) (LV, bool, error) {
	v, found, err := g.find(e, g.byAuthor[e.Author], g.forked[e.Author], ids)
	return v.lv, found, err
}

// find finds a version: among those that have its dot, one on each of its author's lines, or those that are named where there are
// many.
func (g *Graph) find(e clock.Entry, lines []Line, b *branches, ids IDs) (v namedVersion, found bool, err error) {
	if b != nil {
		if v, found, err = b.find(g, e.Seq, e.ID, ids); found || err != nil {
			return v, found, err
		}
		lines = lines[:1] // the one that is no branch
	}
	for _, line := range lines {
		l := &g.lines[line]
		if e.Seq <= l.info.ForkSeq || e.Seq > l.tip {
			continue
		}
		lv, _ := g.Find(line, e.Seq)
		if lv >= ids.Next() {
			continue
		}
		id, last, err := ids.ID(lv)
		if err != nil {
			return v, false, err
		}
		if id.Prefix() == e.ID && last == lv {
			return namedVersion{id: id, lv: lv, line: line, seq: e.Seq}, true, nil
		}
	}
	return v, false, nil
}

// Place is Lookup for a version that is known to be here: ids are asked only where the author is forked.
func (g *Graph) Place(ref Ref, ids IDs) (LV, bool, error) {
	lines := g.byAuthor[ref.Author]
	if len(lines) != 1 {
		return g.Lookup(ref, ids)
	}
	lv, found := g.Find(lines[0], ref.Seq)
	return lv, found, nil
}

// A Segment is a stretch of a forked author's versions between two places where the author forks. Segments are named
// from the set of versions alone, so replicas that have the same versions give the same names, whichever branch came
// first to each: by the author and the id of the segment's first version, which is zero for what all branches share
// from the start.
type Segment struct {
	Author identity.Author
	First  ID
	Line   Line
	// From and To are the first and the last dot.
	From, To uint64
}

// Segments are the segments of an author, by line and then by dot: one with a zero First if the author is not forked,
// none if it is not known. The error is that of ids.
func (g *Graph) Segments(author identity.Author, ids IDs) ([]Segment, error) {
	lines := g.byAuthor[author]
	var out []Segment
	for _, line := range lines {
		l := &g.lines[line]
		from := l.info.ForkSeq + 1
		for _, cut := range g.forkSeqs(lines, line) {
			if cut >= from {
				out = append(out, Segment{Author: author, Line: line, From: from, To: cut})
				from = cut + 1
			}
		}
		if from <= l.tip {
			out = append(out, Segment{Author: author, Line: line, From: from, To: l.tip})
		}
	}
	for i := range out {
		if out[i].From == 1 && !slices.Contains(g.forkSeqs(lines, out[i].Line), 0) && !g.lines[out[i].Line].info.Branch() {
			continue
		}
		lv, _ := g.Find(out[i].Line, out[i].From)
		id, _, err := ids.ID(lv)
		if err != nil {
			return nil, err
		}
		out[i].First = id
	}
	return out, nil
}

// forkSeqs are the dots of a line after which branches start, ascending.
func (g *Graph) forkSeqs(lines []Line, line Line) []uint64 {
	var seqs []uint64
	for _, other := range lines {
		if b := &g.lines[other]; b.info.Branch() && b.info.Parent == line {
			seqs = append(seqs, b.info.ForkSeq)
		}
	}
	order.Sort(seqs, cmp.Compare)
	return slices.Compact(seqs)
}
