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
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// LogQuery narrows a log.
type LogQuery struct {
	// Limit ends the log after so many versions; 0 means no limit.
	Limit int
	// Since leaves out what was there already at a point, Until what was not there yet; nil means no bound.
	Since, Until Point
	// Author, where it is not empty, is the short form of the author whose versions are wanted, or the beginning of
	// it, or the author's name.
	Author string
}

// Log yields the versions that touched a key, or all of them where key is empty, the one that was applied last first. It
// reads as it goes, so a long history costs no memory; it holds one snapshot until the loop ends. The log of a key reads
// the versions of that key alone.
func (r *Replica) Log(ctx context.Context, key string, q LogQuery) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		err := r.view(ctx, func(s *snap) error {
			filter, err := q.filter(s)
			if err != nil {
				return err
			}
			n := 0
			visit := func(v *stored) (bool, error) {
				if err := ctx.Err(); err != nil {
					return false, err
				}
				ok, err := filter(v)
				if err != nil || !ok {
					return true, err
				}
				e, err := s.logEntry(v, key)
				if err != nil {
					return false, err
				}
				if !yield(e, nil) {
					return false, errStop
				}
				n++
				return n != q.Limit, nil
			}
			if key != "" {
				return s.logOfKey(key, visit)
			}
			return s.logOfAll(visit)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(LogEntry{}, err)
		}
	}
}

func (s *snap) logOfKey(key string, visit func(*stored) (bool, error)) error {
	if err := crdt.CheckKey(key); err != nil {
		return err
	}
	b, err := s.tx.Get(store.Docs, []byte(key))
	if err != nil {
		return absent(err, key)
	}
	row, err := store.DecodeDoc(b)
	if err != nil {
		return err
	}
	log := keyLog{s: s, key: key, last: history.LV(row.Last)}
	return log.walk(0, func(v *stored, _ link) (bool, error) { return visit(v) })
}

func (s *snap) logOfAll(visit func(*stored) (bool, error)) error {
	for row, err := range s.rows(0, true) {
		if err != nil {
			return err
		}
		for i := len(row) - 1; i >= 0; i-- {
			if more, err := visit(&row[i]); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// filter says which versions a query wants.
func (q LogQuery) filter(s *snap) (func(*stored) (bool, error), error) {
	var since, until member
	for _, bound := range []struct {
		at  Point
		set *member
	}{{q.Since, &since}, {q.Until, &until}} {
		if bound.at == nil {
			continue
		}
		p, err := bound.at.resolve(s)
		if err != nil {
			return nil, err
		}
		*bound.set = p.member(s)
	}
	names := map[string]bool{}
	return func(v *stored) (bool, error) {
		if q.Author != "" {
			short := v.Author.String()
			match, known := names[short]
			if !known {
				device, _ := s.authorName(v.Author)
				match = strings.HasPrefix(short, q.Author) || device == q.Author
				names[short] = match
			}
			if !match {
				return false, nil
			}
		}
		at := v.Stamp()
		if until != nil {
			if in, err := until(v.lv, &at); err != nil || !in {
				return false, err
			}
		}
		if since != nil {
			in, err := since(v.lv, &at)
			return !in, err
		}
		return true, nil
	}, nil
}

// logEntry is a version as a log shows it; where key is not empty, with the ops of that key alone.
func (s *snap) logEntry(v *stored, key string) (LogEntry, error) {
	e := LogEntry{Version: Version{Stamp: v.Stamp()}, Message: v.Meta().Message}
	var err error
	if e.Parents, err = s.parents(v); err != nil {
		return e, err
	}
	if e.Clock, err = s.vectorAt(v.lv); err != nil {
		return e, err
	}
	for _, op := range v.Ops() {
		if key != "" && op.Key != key {
			continue
		}
		value, err := opValue(&op)
		if err != nil {
			return e, fmt.Errorf("version %s: %w", e.Version, err)
		}
		e.Ops = append(e.Ops, LogOp{Key: op.Key, Op: op.Code.String(), Value: value})
	}
	return e, nil
}

// opValue is an op's operand as JSON, nil where it has none or its content is gone.
func opValue(op *history.Op) ([]byte, error) {
	if op.Body == nil {
		return nil, nil
	}
	switch op.Code {
	case crdt.CodePut, crdt.CodeAdd:
		return canon.Value(op.Body).AppendJSON(nil), nil
	case crdt.CodePatch:
		edits, err := op.Edits()
		if err != nil {
			return nil, err
		}
		entries := make([]canon.Entry, len(edits))
		for i, e := range edits {
			value := e.Value
			if value == nil {
				value = canon.Null()
			}
			entries[i] = canon.Entry{Key: crdt.Pointer(e.Path), Value: value}
		}
		v, err := canon.NewMap(entries)
		return v.AppendJSON(nil), err
	case crdt.CodeSetAdd, crdt.CodeSetRemove:
		elements, err := op.Elements()
		if err != nil {
			return nil, err
		}
		v, err := canon.NewArray(elements)
		return v.AppendJSON(nil), err
	case crdt.CodeResolve:
		return resolveValue(op)
	}
	return nil, nil
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
	var parents []Version
	refs := v.Deps
	if prev := v.PrevRef(); prev.Seq > 0 {
		refs = append([]history.Ref{prev}, refs...)
	}
	for _, ref := range refs {
		p, err := s.versionOf(clock.Stamp{Author: ref.Author, Seq: ref.Seq, ID: ref.ID})
		if err != nil {
			return nil, err
		}
		parents = append(parents, Version{Stamp: p.Stamp()})
	}
	return parents, nil
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
