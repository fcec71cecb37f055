package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// A Point is a point in the past: a set of versions that holds the parents of each of its versions. Version, Frontier,
// TimePoint, Tag and Now are points.
type Point interface {
	resolve(s *snap) (point, error)
}

// TimePoint is all versions whose time is t or before, by the clocks of the devices that wrote them.
type TimePoint time.Time

// Frontier is the named versions and all that they cover.
type Frontier []Version

// Tag is the frontier that a tag names.
type Tag string

// Now is all that is here when the point is used, whatever the clocks say that wrote it.
func Now() Point { return present{} }

type present struct{}

func (present) resolve(s *snap) (point, error) { return point{before: s.tip.next}, nil }

// point is a Point in terms of one database: a cut of its graph, or all that it had applied before a dot.
type point struct {
	cut history.Cut
	// tops are the versions that cut was made of, where it was made of a Frontier.
	tops []history.LV
	// before, where it is not 0, is the first dot that was not there yet; cut then says nothing.
	before history.LV
	// above, where it is not 0, is a version on the key that is asked for that was applied behind all that cut holds.
	above history.LV
}

func (v Version) resolve(s *snap) (point, error) { return Frontier{v}.resolve(s) }

func (f Frontier) resolve(s *snap) (point, error) {
	var p point
	err := s.graph(func(g *history.Graph) error {
		lvs := make([]history.LV, len(f))
		for i, v := range f {
			lv, found, err := g.Lookup(history.Ref{Author: v.Author, Seq: v.Seq, ID: v.ID}, s)
			if err != nil {
				return err
			}
			if !found {
				at, err := s.insteadOf(v.Author, v.Seq, v.ID.Prefix())
				if err != nil {
					return err
				}
				if at == nil {
					return fmt.Errorf("%w: version %s is not here", ErrPoint, v)
				}
				lv = at.lv
			}
			lvs[i] = lv
		}
		p.cut, p.tops = history.CutAt(g.ClockOf(lvs...)), lvs
		return nil
	})
	return p, err
}

func (t TimePoint) resolve(*snap) (point, error) {
	ms := time.Time(t).UnixMilli()
	if ms < 0 {
		ms = 0
	}
	// All of that millisecond: the counter of a hybrid time is below it.
	return point{cut: history.CutAtTime(clock.Time(ms+1)<<16 - 1)}, nil
}

func (t Tag) resolve(s *snap) (point, error) {
	if err := crdt.CheckKey(tagPrefix + string(t)); err != nil {
		return point{}, noPoint("no tag can be called %s: %s", quote(string(t)), err)
	}
	b, err := s.tx.Get(store.Docs, []byte(tagPrefix+string(t)))
	if err == nil {
		var row store.Doc
		if row, err = store.DecodeDoc(b); err == nil && row.Value != nil {
			return s.readTag(row.Value)
		}
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: there is no tag %s", ErrPoint, quote(string(t)))
	}
	return point{}, err
}

// member says what a point holds.
func (p point) member(s *snap) member {
	if p.before > 0 {
		return func(lv history.LV, _ *clock.Stamp) (bool, error) { return lv < p.before, nil }
	}
	if t, ok := p.cut.Time(); ok {
		return func(_ history.LV, at *clock.Stamp) (bool, error) { return at.Time <= t, nil }
	}
	return func(lv history.LV, at *clock.Stamp) (in bool, err error) {
		err = s.graph(func(g *history.Graph) error {
			line, seq := g.At(lv)
			in = p.cut.Contains(line, seq, at.Time)
			return nil
		})
		return in, err
	}
}

// stateAt is the key's state at a point.
func (s *snap) stateAt(key string, p point) (*crdt.State, error) {
	look, err := s.lookAt(key, p)
	if err != nil {
		return nil, err
	}
	return look.end()
}

// pastLook is a look for a key's state at a point.
type pastLook struct {
	// state is set where it was at hand; else down leads to it.
	state *crdt.State
	down  *descent
	// keep is set where the state is to be kept for whoever asks again.
	keep *pastKey
}

// lookAt begins a look.
func (s *snap) lookAt(key string, p point) (pastLook, error) {
	if e := s.changed[key]; e != nil && e.dirty {
		// The row is still what it was before the commit that asks.
		return s.lookDown(logOf(s, key, &e.row), p)
	}
	b, err := s.tx.Get(store.Docs, []byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return pastLook{state: &crdt.State{}}, nil
	}
	if err != nil {
		return pastLook{}, err
	}
	row, err := store.DecodeDoc(b)
	if err != nil {
		return pastLook{}, err
	}
	if p.before > history.LV(row.Last) {
		row.Value, row.State = bytes.Clone(row.Value), bytes.Clone(row.State)
		state, err := s.stateOf(&row)
		return pastLook{state: state}, err
	}
	at, timed := p.cut.Time()
	keep := pastKey{key: key, epoch: s.tip.epoch, erased: s.tip.erased, last: history.LV(row.Last), at: at}
	if timed {
		if state := s.r.pasts.get(keep); state != nil {
			return pastLook{state: state}, nil
		}
	}
	look, err := s.lookDown(logOf(s, key, &row), p)
	if timed {
		look.keep = &keep
	}
	return look, err
}

func (s *snap) lookDown(log keyLog, p point) (look pastLook, err error) {
	if p.above > 0 {
		return pastLook{down: log.descendFrom(p.above, p.member(s))}, nil
	}
	look.down, err = log.descend(p.member(s))
	return look, err
}

// end is the state.
func (l *pastLook) end() (*crdt.State, error) {
	if l.state != nil {
		return l.state, nil
	}
	f, err := l.down.alone()
	if err == nil && l.keep != nil {
		l.down.log.s.r.pasts.put(*l.keep, f.state)
	}
	return f.state, err
}

// viewAt is what a key showed at a point, under the strategy that was in force there. A strategy that is given is
// used instead.
func (s *snap) viewAt(key string, p point, strategy crdt.Strategy) (crdt.View, error) {
	state, err := s.stateAt(key, p)
	if err != nil {
		return crdt.View{}, err
	}
	return s.viewThen(key, state, p, strategy)
}

// viewThen is viewAt for who has the state.
func (s *snap) viewThen(key string, state *crdt.State, p point, strategy crdt.Strategy) (view crdt.View, err error) {
	if strategy == nil {
		if strategy, err = s.strategyAt(namespaceOf(key), p); err != nil {
			return crdt.View{}, err
		}
	}
	return s.viewOf(key, state, strategy)
}

// strategyAt is the strategy of a namespace at a point; nil where this replica does not know it.
func (s *snap) strategyAt(ns string, p point) (crdt.Strategy, error) {
	name := defaultStrategy
	if ns[0] != '.' {
		p.above = 0 // a version on another key
		state, err := s.stateAt(strategyPrefix+ns, p)
		if err != nil {
			return nil, err
		}
		if v := state.View(crdt.LWW(), nil).Value; v != nil {
			name = nameIn(v.AppendJSON(nil))
		}
	}
	strategy, _ := s.r.registry.Lookup(name)
	return strategy, nil
}

// past is the read side at a point.
type past struct {
	r  *Replica
	at Point
}

var _ Reader = (*past)(nil)

// At returns the database as it was at a point. What it returns reads the history when it is asked; it holds nothing.
func (r *Replica) At(p Point) Reader { return &past{r: r, at: p} }

func (p *past) view(ctx context.Context, fn func(*snap, point) error) error {
	return p.r.view(ctx, func(s *snap) error {
		if p.at == nil {
			return fmt.Errorf("%w: no point was given", ErrPoint)
		}
		at, err := p.at.resolve(s)
		if err != nil {
			return err
		}
		return fn(s, at)
	})
}

func (p *past) look(ctx context.Context, key string, fn func(*snap, *crdt.View) error) error {
	if err := crdt.CheckKey(key); err != nil {
		return err
	}
	return p.view(ctx, func(s *snap, at point) error {
		view, err := s.shownAt(key, at)
		if err != nil {
			return err
		}
		if !shows(&view) {
			return fmt.Errorf("%w: %s (at that point)", ErrNotFound, key)
		}
		return fn(s, &view)
	})
}

// Get implements Reader.
func (p *past) Get(ctx context.Context, key string, dst any) (Version, error) {
	var v Version
	var value canon.Value
	err := p.look(ctx, key, func(_ *snap, view *crdt.View) error {
		v, value = Version{Stamp: view.At}, bytes.Clone(view.Value)
		return nil
	})
	if err != nil {
		return Version{}, err
	}
	return v, decodeInto(value, dst)
}

// Doc implements Reader.
func (p *past) Doc(ctx context.Context, key string) (Doc, error) {
	var d Doc
	err := p.look(ctx, key, func(s *snap, view *crdt.View) error {
		d = Doc{Row: viewRow(key, view), Strategy: view.Strategy}
		return s.describe(&d)
	})
	return d, err
}

func viewRow(key string, view *crdt.View) Row {
	return Row{
		Key: key, Version: Version{Stamp: view.At}, Value: view.Value.AppendJSON(nil), Kind: view.Kind,
		Conflicts: len(view.Conflicts),
	}
}

// Namespaces implements Reader.
func (p *past) Namespaces(ctx context.Context) ([]Namespace, error) {
	return countNamespaces(p.List(ctx, ""))
}
