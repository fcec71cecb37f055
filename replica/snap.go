package replica

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// snap reads the history in one transaction's snapshot.
type snap struct {
	r        *Replica
	tx       store.Tx
	space    identity.Space
	tip      *tip
	lines    []*store.Author
	byAuthor map[identity.Author][]history.Line
	// staged are versions of a commit that have no row yet, the first dot being firstLV.
	staged  []stored
	firstLV history.LV
	// changed are the keys that a commit has changed so far, with rows that are not written yet.
	changed map[string]*entry
	// held is the graph where its lock is held already.
	held *history.Graph
	// reader is nil before the first row is read that is not at hand.
	reader *runReader
}

// view runs fn on a snapshot.
func (r *Replica) view(ctx context.Context, fn func(*snap) error) error {
	if r.isClosed() {
		return ErrClosed
	}
	return r.look(ctx, fn)
}

// look is view for whoever goes on to the end of what there is when the replica is closed.
func (r *Replica) look(ctx context.Context, fn func(*snap) error) error {
	return r.st.View(ctx, func(tx store.Tx) error {
		m, err := r.snapshot(tx)
		if err != nil {
			return err
		}
		return fn(m.snap(r, tx))
	})
}

func (m *mem) snap(r *Replica, tx store.Tx) *snap {
	return &snap{r: r, tx: tx, space: m.space(), tip: &m.tip, lines: m.lines, byAuthor: m.byAuthor}
}

// space is the zero Space before the database belongs to one.
func (m *mem) space() identity.Space {
	if m.member.IsZero() {
		return identity.Space{}
	}
	return m.member.Space()
}

// graph runs fn with the version graph, which knows at least all that the snapshot holds. It holds the graph's lock:
// fn must not wait for anything but the transaction, nor ask for the graph again.
func (s *snap) graph(fn func(*history.Graph) error) error {
	if s.held != nil {
		return fn(s.held)
	}
	cache := &s.r.graph
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if s.tip.epoch < cache.epoch { // the database was set back since this snapshot
		g := history.NewGraph()
		if err := s.loadGraph(g); err != nil {
			return err
		}
		s.held = g
		return fn(g)
	}
	if cache.g == nil || cache.epoch < s.tip.epoch {
		cache.g, cache.epoch = history.NewGraph(), s.tip.epoch
	}
	if cache.g.Next() < s.tip.next || cache.g.NumLines() < len(s.lines) {
		if err := s.loadGraph(cache.g); err != nil {
			cache.g = nil
			return err
		}
	}
	s.held = cache.g
	defer func() { s.held = nil }()
	return fn(cache.g)
}

// loadGraph takes a graph to what the snapshot holds.
func (s *snap) loadGraph(g *history.Graph) error {
	addLine := func(line history.Line) error {
		if int(line) >= len(s.lines) {
			return fmt.Errorf("%w: author line %d is missing", store.ErrCorrupt, line)
		}
		g.AddLine(lineInfo(s.lines[line]))
		return nil
	}
	if g.Next() < s.tip.next {
		from := store.IntKey(uint64(g.LastSpan().LV))
		spans := func(yield func(history.Span, error) bool) {
			for row, err := range s.tx.Scan(store.Spans, store.Range{From: from}) {
				var span history.Span
				if err == nil {
					span, err = history.DecodeSpan(row.Value)
				}
				if !yield(span, err) || err != nil {
					return
				}
			}
		}
		if err := g.Load(spans, s.tip.next, addLine); err != nil {
			return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
		}
	}
	for g.NumLines() < len(s.lines) {
		if err := addLine(history.Line(g.NumLines())); err != nil {
			return err
		}
	}
	return nil
}

// runAt returns the row of Runs that holds a dot, up to the version that owns the dot to at least.
func (s *snap) runAt(lv, to history.LV) ([]stored, error) {
	if len(s.staged) > 0 && lv >= s.firstLV {
		return s.staged, nil
	}
	if cached := s.r.runs.find(s.tip, lv, to); cached != nil {
		return cached, nil
	}
	first, err := s.rowOf(lv)
	if err != nil {
		return nil, err
	}
	return s.run(first, to)
}

// rowOf returns the first dot of the row of Runs that holds a dot.
func (s *snap) rowOf(lv history.LV) (history.LV, error) {
	to := store.IntKey(uint64(lv) + 1)
	for row, err := range s.tx.Scan(store.Runs, store.Range{To: to, Reverse: true, KeysOnly: true}) {
		return history.LV(store.KeyInt(row.Key)), err
	}
	return 0, fmt.Errorf("%w: no run holds version %d", store.ErrCorrupt, lv)
}

// run returns the row of Runs whose first dot is first, up to the version that owns the dot to at least. A row that was read
// that far before, and not as far as now, is read to its end: who reads on is not to begin again at each version.
func (s *snap) run(first, to history.LV) ([]stored, error) {
	cached, begun := s.r.runs.get(s.tip, first, to)
	if cached != nil {
		return cached, nil
	}
	if begun {
		to = wholeRow
	}
	value, err := s.tx.Get(store.Runs, store.IntKey(uint64(first)))
	if err != nil {
		return nil, err
	}
	parts, err := parseRunRow(first, value)
	if err != nil {
		return nil, err
	}
	if s.reader == nil {
		s.reader = new(runReader)
	}
	row, whole, err := s.reader.versions(s.space, &parts, first, to)
	if err != nil {
		return nil, err
	}
	s.r.runs.put(s.tip, first, row, whole)
	return row, nil
}

// rows yields the rows of Runs from the one that holds the dot from, or backwards from the newest.
func (s *snap) rows(from history.LV, backwards bool) iter.Seq2[[]stored, error] {
	return func(yield func([]stored, error) bool) {
		r := store.Range{To: store.IntKey(uint64(s.tip.next)), Reverse: backwards, KeysOnly: true} // what stands there is a tip alone
		if !backwards && from > 1 {
			first, err := s.rowOf(from)
			if err != nil {
				yield(nil, err)
				return
			}
			r.From = store.IntKey(uint64(first))
		}
		for row, err := range s.tx.Scan(store.Runs, r) {
			var run []stored
			if err == nil {
				run, err = s.run(history.LV(store.KeyInt(row.Key)), wholeRow)
			}
			if !yield(run, err) || err != nil {
				return
			}
		}
	}
}

// version returns the version that owns a dot.
func (s *snap) version(lv history.LV) (*stored, error) {
	row, err := s.runAt(lv, lv)
	if err != nil {
		return nil, err
	}
	i := sort.Search(len(row), func(i int) bool { return row[i].lv >= lv })
	if i == len(row) || lv+history.LV(row[i].Width) <= row[i].lv {
		return nil, fmt.Errorf("%w: version %d is missing from its run", store.ErrCorrupt, lv)
	}
	return &row[i], nil
}

// owner is the version that has a dot of a line, which is here.
func (s *snap) owner(line history.Line, seq uint64) (*stored, error) {
	var lv history.LV
	err := s.graph(func(g *history.Graph) error { lv, _ = g.Find(line, seq); return nil })
	if err != nil || lv == 0 {
		return nil, errors.Join(err, fmt.Errorf("%w: dot %d of line %d", errNoDot, seq, line))
	}
	return s.version(lv)
}

// ID returns the id of the version that owns a dot, and its last dot. It is what the graph asks where only an id can
// tell the branches of a fork apart.
func (s *snap) ID(lv history.LV) (history.ID, history.LV, error) {
	if tip := s.tipAt(lv); tip != nil {
		return tip.ID, lv, nil
	}
	v, err := s.version(lv)
	if err != nil {
		return history.ID{}, 0, err
	}
	return v.ID, v.lv, nil
}

// tipAt is the line whose newest version ends with a dot, nil where there is none or the graph is not at hand to tell.
func (s *snap) tipAt(lv history.LV) *store.Author {
	if s.held == nil {
		return nil
	}
	if line, _ := s.held.At(lv); int(line) < len(s.lines) && s.lines[line].LV == uint64(lv) {
		return s.lines[line]
	}
	return nil
}

// Next is the dot from which on the snapshot has none: the graph may be ahead of it.
func (s *snap) Next() history.LV { return s.tip.next }

// stampAt is the stamp of the version that owns a dot.
func (s *snap) stampAt(lv history.LV) (clock.Stamp, error) {
	v, err := s.version(lv)
	if err != nil {
		return clock.Stamp{}, err
	}
	return v.Stamp(), nil
}
