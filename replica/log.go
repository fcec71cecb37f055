package replica

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// LogQuery narrows a log: one is given, or none.
type LogQuery struct {
	// Limit ends the log after so many versions; 0 means no limit.
	Limit int
	// Since leaves out what was there already at a point, Until what was not there yet; nil means no bound.
	Since, Until Point
	// NoClock leaves LogEntry.Clock out. To name what a clock covers, versions have to be looked up that the log does not show,
	// one for each author: without it the log takes half the time.
	NoClock bool
	// Author, where it is not empty, says whose versions are wanted: those of all authors whose device or person is called
	// that, or whose key begins so. ErrNotFound where there are none.
	Author string
}

// only is the query that was given, or one that wants all.
func only[Q any](queries []Q) (q Q, err error) {
	switch len(queries) {
	case 0:
	case 1:
		q = queries[0]
	default:
		err = fmt.Errorf("%w: %d of type %T were given; say in one what is wanted", ErrQueries, len(queries), q)
	}
	return q, err
}

// Log yields the versions that touched a key, or all of them where key is empty, in the total order of versions, the
// greatest first: by time, then author key, then id, all descending. So a version comes before those that it was written
// on top of, and replicas that hold the same versions yield the same log.
//
// It reads as it goes, so a long history costs no memory; it holds one snapshot until the loop ends. The log of a key
// reads the versions of that key alone. Where replicas wrote the key at the same time, it looks through what they wrote
// before it yields the first of that, and remembers where each stands, at most twice Limit of them where there is one.
func (r *Replica) Log(ctx context.Context, key string, query ...LogQuery) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		err := r.view(ctx, func(s *snap) error {
			q, err := only(query)
			if err != nil {
				return err
			}
			filter, err := q.filter(s)
			if err != nil {
				return err
			}
			n := 0
			show := func(v *stored, parents []*stored) error {
				e, err := s.logEntry(v, parents, key, filter.withClock)
				if err != nil {
					return err
				}
				if n++; !yield(e, nil) || n == q.Limit {
					return errStop
				}
				return nil
			}
			if key != "" {
				return s.logOfKey(ctx, key, filter, q.Limit, show)
			}
			return s.logOfAll(ctx, filter, func(v *stored, parents []*stored, wanted bool) error {
				if !wanted {
					return nil
				}
				return show(v, parents)
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(LogEntry{}, err)
		}
	}
}

// logFilter says which versions a query wants.
type logFilter struct {
	s            *snap
	since, until member
	// authors are those whose versions are wanted; nil stands for all.
	authors   map[identity.Author]bool
	withClock bool
	// from are versions that cover, or are, all that is wanted.
	from []history.LV
}

func (q LogQuery) filter(s *snap) (*logFilter, error) {
	f := &logFilter{s: s, withClock: !q.NoClock}
	if q.Author != "" {
		if f.authors = s.authorsOf(q.Author); len(f.authors) == 0 {
			return nil, fmt.Errorf("%w: no author is called %s here", ErrNotFound, quote(q.Author))
		}
	}
	if q.Since != nil {
		p, err := q.Since.resolve(s)
		if err != nil {
			return nil, err
		}
		f.since = p.member(s)
	}
	if q.Until != nil {
		p, err := q.Until.resolve(s)
		if err != nil {
			return nil, err
		}
		f.until = p.member(s)
		if t, timed := p.cut.Time(); timed {
			f.from, err = s.lastUntil(t)
			return f, err
		}
		if p.before == 0 {
			f.from = p.tops
			return f, nil
		}
	}
	for _, h := range s.tip.heads {
		f.from = append(f.from, h.lv)
	}
	return f, nil
}

// lastUntil are the last versions of all lines whose time is t or before. Times rise along a line, so each is found by
// halving.
func (s *snap) lastUntil(t clock.Time) (last []history.LV, err error) {
	for i, row := range s.lines {
		if row.LV == 0 {
			continue // it was given up
		}
		if clock.Time(row.Time) <= t {
			last = append(last, history.LV(row.LV))
			continue
		}
		at, low, high := history.LV(0), row.ForkSeq, row.Seq-1 // the dot that is sought is in [low, high]
		for low < high {
			middle := high - (high-low)/2
			v, err := s.owner(history.Line(i), middle)
			if err != nil {
				return nil, err
			}
			if v.Time <= t {
				at, low = v.lv, v.Seq
			} else {
				high = v.Seq - v.Width
			}
		}
		if at > 0 {
			last = append(last, at)
		}
	}
	return last, nil
}

// wants reports whether a version is wanted, and whether any of those that it covers may be.
func (f *logFilter) wants(v *stored) (itself, below bool, err error) {
	at := v.Stamp()
	if f.since != nil {
		if in, err := f.since(v.lv, &at); err != nil || in {
			return false, false, err
		}
	}
	if f.until != nil {
		if in, err := f.until(v.lv, &at); err != nil || !in {
			return false, true, err
		}
	}
	return f.authors == nil || f.authors[v.Author], true, nil
}

// authorsOf are the authors whose device or person has a name, and those whose key begins with it.
func (s *snap) authorsOf(name string) map[identity.Author]bool {
	found := make(map[identity.Author]bool)
	for a := range s.byAuthor {
		device, person := s.authorName(a)
		if device == name || person == name || strings.HasPrefix(a.Full(), name) {
			found[a] = true
		}
	}
	return found
}

// logEntry is a version as a log shows it; where key is not empty, with the ops of that key alone.
func (s *snap) logEntry(v *stored, parents []*stored, key string, withClock bool) (LogEntry, error) {
	e := LogEntry{Version: Version{Stamp: v.Stamp()}, Message: v.Meta().Message, Parents: asVersions(parents)}
	if withClock {
		var err error
		if e.Clock, err = s.vectorAt(v.lv); err != nil {
			return e, err
		}
	}
	for _, op := range v.Ops() {
		if key != "" && op.Key != key {
			continue
		}
		shown := LogOp{Key: op.Key, Op: op.Code.String(), Erased: op.Body == nil}
		var err error
		if op.Code == crdt.CodePatch && op.Body != nil {
			shown.Value, shown.Removed, err = patchValue(&op)
		} else {
			shown.Value, err = opValue(&op)
		}
		if err != nil {
			return e, fmt.Errorf("version %s: %w", e.Version, err)
		}
		e.Ops = append(e.Ops, shown)
	}
	return e, nil
}

// patchValue is what a patch sets, path by path, as JSON, and the paths that it takes out.
func patchValue(op *history.Op) (set []byte, removed []string, err error) {
	edits, err := op.Edits()
	if err != nil {
		return nil, nil, err
	}
	var entries []canon.Entry
	for _, e := range edits {
		path := crdt.Pointer(e.Path)
		if e.Value == nil {
			removed = append(removed, path)
			continue
		}
		entries = append(entries, canon.Entry{Key: path, Value: e.Value})
	}
	v, err := canon.NewMap(entries)
	return v.AppendJSON(nil), removed, err
}

// opValue is the operand of an op that is no patch as JSON, nil where it has none or its content is gone.
func opValue(op *history.Op) ([]byte, error) {
	if op.Body == nil {
		return nil, nil
	}
	switch op.Code {
	case crdt.CodePut, crdt.CodeAdd:
		return canon.Value(op.Body).AppendJSON(nil), nil
	case crdt.CodeSetAdd, crdt.CodeSetRemove:
		elements, err := op.Elements()
		if err != nil {
			return nil, err
		}
		v, err := canon.NewArray(elements)
		return v.AppendJSON(nil), err
	case crdt.CodeResolve:
		return resolveValue(op)
	case crdt.CodeTextSplice, crdt.CodeListSplice, crdt.CodeListMove, crdt.CodeListReplace:
		return sequenceValue(op)
	case crdt.CodeErase:
		return eraseValue(op)
	}
	return nil, nil
}

// sequenceValue says what an edit of a text or a list does, and where, in what its author saw.
func sequenceValue(op *history.Op) ([]byte, error) {
	pairs, err := sequencePairs(op)
	if err != nil {
		return nil, err
	}
	v, err := object(pairs...)
	return v.AppendJSON(nil), err
}

func sequencePairs(op *history.Op) ([]any, error) {
	switch op.Code {
	case crdt.CodeTextSplice:
		pos, removed, text, err := op.TextSplice()
		return []any{"pos", pos, "removed", removed, "inserted", text}, err
	case crdt.CodeListSplice:
		pos, removed, elements, err := op.ListSplice()
		return []any{"pos", pos, "removed", removed, "inserted", elements}, err
	case crdt.CodeListMove:
		from, to, err := op.ListMove()
		return []any{"from", from, "to", to}, err
	default:
		pos, element, err := op.ListReplace()
		return []any{"pos", pos, "element", element}, err
	}
}

// eraseValue names the op that an erase destroyed.
func eraseValue(op *history.Op) ([]byte, error) {
	target, err := op.Target()
	if err != nil {
		return nil, err
	}
	index, err := canon.Int(int64(target.Op))
	if err != nil {
		return nil, err
	}
	of := target.Version
	v, err := object("version", nameOf(of.Author, of.Seq), "id", hex.EncodeToString(of.ID[:]), "op", index)
	return v.AppendJSON(nil), err
}

// resolveValue names the versions that a resolve op looked at, each with the beginning of its id.
func resolveValue(op *history.Op) ([]byte, error) {
	entries, err := op.Sides()
	if err != nil {
		return nil, err
	}
	sides := make([]canon.Value, len(entries))
	for i, e := range entries {
		if sides[i], err = object("version", nameOf(e.Author, e.Seq), "id", hex.EncodeToString(e.ID[:])); err != nil {
			return nil, err
		}
	}
	v, err := canon.NewArray(sides)
	return v.AppendJSON(nil), err
}

// parents are the versions that v was written on top of, the author's own first.
func (s *snap) parents(v *stored) ([]Version, error) {
	found, err := s.parentsOf(v)
	return asVersions(found), err
}

func asVersions(found []*stored) []Version {
	if len(found) == 0 {
		return nil
	}
	versions := make([]Version, len(found))
	for i, v := range found {
		versions[i] = Version{Stamp: v.Stamp()}
	}
	return versions
}

func (s *snap) parentsOf(v *stored) ([]*stored, error) {
	found := make([]*stored, 0, 1+len(v.Deps))
	if prev := v.PrevRef(); prev.Seq > 0 {
		p, err := s.versionOf(clock.Stamp{Author: prev.Author, Seq: prev.Seq, ID: prev.ID})
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	for _, ref := range v.Deps {
		p, err := s.versionOf(clock.Stamp{Author: ref.Author, Seq: ref.Seq, ID: ref.ID})
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

// vectorAt is the vector clock of the version whose last dot is lv.
func (s *snap) vectorAt(lv history.LV) (clock.Vector, error) {
	var marks []history.Mark
	if err := s.graph(func(g *history.Graph) error { marks = slices.Collect(g.Clock(lv).Marks()); return nil }); err != nil {
		return clock.Vector{}, err
	}
	entries := make([]clock.Entry, 0, len(marks))
	for _, m := range marks {
		if s.goesOn(m, marks) {
			continue
		}
		e, err := s.entryOf(m)
		if err != nil {
			return clock.Vector{}, err
		}
		entries = append(entries, e)
	}
	return clock.NewVector(entries...), nil
}

// goesOn reports whether what a mark covers of its line goes on as a branch that is marked too. Which of two branches is
// the line that the other one left depends on which came first here, so the dot where they part is not told.
func (s *snap) goesOn(m history.Mark, marks []history.Mark) bool {
	for _, other := range marks {
		row := s.lines[other.Line]
		if info := lineInfo(row); info.Branch() && info.Parent == m.Line && info.ForkSeq == m.Seq {
			return true
		}
	}
	return false
}

// entryOf is a mark of the graph as it travels: with the id of the version that owns the dot.
func (s *snap) entryOf(m history.Mark) (clock.Entry, error) {
	e := clock.Entry{Author: s.lines[m.Line].Author, Seq: m.Seq}
	if tip := s.lines[m.Line]; tip.Seq == m.Seq {
		e.ID = history.ID(tip.ID).Prefix()
		return e, nil
	}
	var id history.ID
	err := s.graph(func(g *history.Graph) error {
		lv, ok := g.Find(m.Line, m.Seq)
		if !ok {
			return fmt.Errorf("%w: dot %d of line %d is missing", store.ErrCorrupt, m.Seq, m.Line)
		}
		var err error
		id, _, err = s.ID(lv)
		return err
	})
	e.ID = id.Prefix()
	return e, err
}

// object builds a value from pairs of names and values.
func object(pairs ...any) (canon.Value, error) {
	entries := make([]canon.Entry, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		var v canon.Value
		var err error
		switch x := pairs[i+1].(type) {
		case canon.Value:
			if v = x; x == nil {
				v = canon.Null()
			}
		case string:
			v, err = canon.String(x)
		case bool:
			v = canon.Bool(x)
		case int:
			v, err = canon.Int(int64(x))
		case []canon.Value:
			v, err = canon.NewArray(x)
		case []byte:
			v = canon.Bytes(x)
		default:
			err = fmt.Errorf("replica: no value for %T", x)
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, canon.Entry{Key: pairs[i].(string), Value: v})
	}
	return canon.NewMap(entries)
}
