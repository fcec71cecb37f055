package replica

import (
	"cmp"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
)

// workspace is memory that one commit leaves to the next. Nothing in it outlives the commit that put it there.
type workspace struct {
	// scratch is for bytes that are gone with the next call, rowBuf for a row, value for the value in it.
	scratch, rowBuf, value []byte
	// staged are the versions that have no row yet, links the space for their keys.
	staged []stored
	links  []keyLink
	// touched are the keys that the commit took from docs or read, groups the ops of the version being written.
	touched []*entry
	groups  []keyOps
	// ops, partial and seen are those of the version being folded.
	ops     []crdt.Op
	partial partial
	seen    seenStates
	// batches are the keys being written.
	batches [batchesAhead]keyRows
	// versions are those of the row being written.
	versions []history.Version
}

// reset empties the workspace and lets go of what it pointed to.
func (w *workspace) reset() {
	w.staged, w.touched, w.groups = emptied(w.staged), emptied(w.touched), w.groups[:0]
	w.links, w.versions = emptied(w.links), emptied(w.versions)
	w.ops, w.partial, w.seen = emptied(w.ops), partial{}, seenStates{}
	for i := range w.batches {
		w.batches[i].letGo()
	}
}

// arena is memory for bytes that stay until the end of a commit. Its chunks grow, for most commits keep little.
type arena struct {
	chunk []byte
	size  int // of the largest chunk; 0 for maxChunk
}

const (
	minChunk = 4 << 10
	maxChunk = 2 << 20 // what a pack holds, and more
)

// keep copies b to where it stays.
func (a *arena) keep(b []byte) []byte {
	if cap(a.chunk)-len(a.chunk) < len(b) {
		a.chunk = make([]byte, 0, max(min(2*cap(a.chunk), cmp.Or(a.size, maxChunk)), minChunk, len(b)))
	}
	n := len(a.chunk)
	a.chunk = append(a.chunk, b...)
	return a.chunk[n:len(a.chunk):len(a.chunk)]
}

// emptied is s without its elements, unless it grew beyond what ordinary commits need.
func emptied[T any](s []T) []T {
	clear(s)
	if cap(s) > maxKept {
		return nil
	}
	return s[:0]
}

// maxKept is how many elements a slice of the workspace keeps room for: those of a full frame of small versions.
const maxKept = 16 << 10

// reserve makes room for so many more versions, of which as many are staged at once as go into a row.
func (w *workspace) reserve(n int) {
	n = min(n, maxRunRow/minStaged)
	w.staged = slices.Grow(w.staged, n)
	w.touched = slices.Grow(w.touched, min(n, maxDocs))
	w.links = slices.Grow(w.links, n)
}

// takeLinks returns room for the keys of a version. What was taken before stays where it is.
func (w *workspace) takeLinks(n int) []keyLink {
	if cap(w.links)-len(w.links) < n {
		w.links = make([]keyLink, 0, max(2*cap(w.links), n, 64))
	}
	at := len(w.links)
	w.links = w.links[:at+n]
	return w.links[at : at+n : at+n]
}

// lineSet is a set of lines.
type lineSet struct {
	has  []bool
	list []history.Line
}

func (s *lineSet) holds(line history.Line) bool { return int(line) < len(s.has) && s.has[line] }

func (s *lineSet) add(line history.Line) {
	if s.holds(line) {
		return
	}
	if int(line) >= len(s.has) {
		s.has = append(s.has, make([]bool, int(line)+1-len(s.has))...)
	}
	s.has[line] = true
	s.list = append(s.list, line)
}
