package replica

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// A withdrawal takes versions of this database's own author out of it, as if they had never been: those at the end of the
// author's chain that never left the device. The database is set back to where the first of them came, and what others
// wrote and came later is applied again; it cannot stand on what never left. Then the author's versions can be written
// again, see reissue.go. All of it is one commit.
//
//	before     1 2 3 │ a x b c y      a b c: the tail; x y: of others
//	set back   1 2 3 │
//	again      1 2 3 │ x y a' b' c'   a' b' c': the same ops, of another author
//
// Dots get other LVs by that, so whatever remembers LVs beyond a commit remembers the epoch too, which the tip counts: the
// cached graph and rows, the feeds of running sessions, and what a reader has seen (Version). A line that exists only
// since then is given up: its row is left empty, and its number is not used again.
type withdrawal struct {
	c      *commit
	author identity.Author
	// tail are the versions that go, oldest first, others those that are applied again, by the rows in which they came.
	tail   []stored
	others [][]stored
	// first is the row of Runs that the tail begins in, and kept what stays of it.
	first history.LV
	kept  []stored

	certificates map[identity.Author]identity.Certificate
	seals        []identity.Seal
	keys         []*refold
	again        *applier
}

// maxWithdrawn bounds the bytes of what is applied or written again: a tail beyond it stays as it is.
const maxWithdrawn = 64 << 20

// unsent finds the versions of the own author behind its dot after that nothing else stands on; foreign are versions of
// that author that others wrote. It returns nil if there are none, or too many.
func (c *commit) unsent(after uint64, foreign map[history.ID]bool) (*withdrawal, error) {
	if c.author.key.IsZero() || c.tip.own.seq <= after {
		return nil, nil
	}
	if err := c.flushDocs(); err != nil {
		return nil, err
	}
	w := &withdrawal{c: c, author: c.author.key.Author(), certificates: make(map[identity.Author]identity.Certificate)}
	s := c.snap()
	var from history.LV
	err := s.graph(func(g *history.Graph) error {
		from, _ = g.Find(c.author.line, after+1)
		return nil
	})
	if err != nil || from == 0 {
		return nil, errors.Join(err, fmt.Errorf("%w: dot %d of line %d is missing", store.ErrCorrupt, after+1, c.author.line))
	}
	var rows [][]stored
	own := make(map[history.ID]bool)
	left := after // the own dots up to it have left: something stands on them
	size := 0
	for row, err := range s.rows(from, false) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		for i := range row {
			v := &row[i]
			if size += len(v.Payload) + 128; size > maxWithdrawn {
				return nil, nil
			}
			switch {
			case v.lv < from:
			case v.Author == w.author && !foreign[v.ID]:
				own[v.ID] = true
			default:
				for _, parent := range append([]history.Ref{v.PrevRef()}, v.Deps...) {
					if own[parent.ID] {
						left = max(left, parent.Seq)
					}
				}
			}
		}
	}
	w.part(rows, own, left)
	if len(w.tail) == 0 {
		return nil, nil
	}
	return w, nil
}

// part parts the rows at the first own version beyond the dot left.
func (w *withdrawal) part(rows [][]stored, own map[history.ID]bool, left uint64) {
	for _, row := range rows {
		var others []stored
		for i := range row {
			v := &row[i]
			switch {
			case own[v.ID] && v.Seq > left:
				if len(w.tail) == 0 {
					w.first = row[0].first()
					w.kept = slices.Clone(row[:i])
				}
				w.tail = append(w.tail, *v)
			case len(w.tail) > 0:
				others = append(others, *v)
			}
		}
		if len(others) > 0 {
			w.others = append(w.others, others)
		}
	}
}

// start is the first dot of the tail.
func (w *withdrawal) start() history.LV { return w.tail[0].first() }

// setBack brings the database to where it was before the tail.
func (w *withdrawal) setBack() error {
	c := w.c
	if err := w.lookAtKeys(); err != nil {
		return err
	}
	if err := errors.Join(w.dropSeals(), w.dropRows(store.Spans, w.start()), w.dropRows(store.Runs, w.first)); err != nil {
		return err
	}
	c.tip.next, c.tip.epoch = w.start(), c.tip.epoch+1
	c.tip.packed = min(c.tip.packed, w.first)
	gone := uint64(len(w.tail))
	for _, row := range w.others {
		gone += uint64(len(row))
	}
	c.tip.versions -= gone
	if len(w.kept) > 0 {
		c.staged, c.firstLV = append(c.staged[:0], w.kept...), w.first
		if err := c.closeRun(); err != nil {
			return err
		}
	}
	if err := w.setBackLines(); err != nil {
		return err
	}
	for _, k := range w.keys {
		if err := c.refoldKey(k); err != nil {
			return fmt.Errorf("key %q: %w", k.key, err)
		}
	}
	c.wrote = true
	return nil
}

// lookAtKeys reads, while all of it is there, the log of each key that is to be set back.
func (w *withdrawal) lookAtKeys() error {
	s, start := w.c.snap(), w.start()
	seen := make(map[string]bool)
	for _, row := range append([][]stored{w.tail}, w.others...) {
		for i := range row {
			for _, touched := range row[i].keys {
				if seen[touched.key] {
					continue
				}
				seen[touched.key] = true
				k, err := s.readRefold(touched.key, start, start)
				if err != nil {
					return err
				}
				w.keys = append(w.keys, k)
			}
		}
	}
	return nil
}

func (w *withdrawal) dropRows(t store.Table, from history.LV) error {
	return w.c.deleteRows(t, store.Range{From: store.IntKey(uint64(from))})
}

// deleteRows deletes all rows of a range.
func (c *commit) deleteRows(t store.Table, r store.Range) error {
	r.KeysOnly = true
	var keys [][]byte
	for row, err := range c.tx.Scan(t, r) {
		if err != nil {
			return err
		}
		keys = append(keys, bytes.Clone(row.Key))
	}
	for _, key := range keys {
		if err := c.tx.Delete(t, key); err != nil {
			return err
		}
	}
	return nil
}

// dropSeals takes the seals over the versions that are applied again out of the database, to put them back under the lines
// that these will be on.
func (w *withdrawal) dropSeals() error {
	s := w.c.snap()
	return s.graph(func(g *history.Graph) error {
		for _, row := range w.others {
			for i := range row {
				line, _ := g.At(row[i].lv)
				seal, kept, err := s.sealOn(line, row[i].Seq, row[i].ID)
				if err != nil {
					return err
				}
				if !kept {
					continue
				}
				w.seals = append(w.seals, seal)
				if err := s.tx.Delete(store.Seals, sealKey(line, seal.Seq)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// setBackLines makes lines, heads and the graph those of the versions that stay. From here on the commit works on a graph
// of its own: the one that all share is that of the database as it was.
func (w *withdrawal) setBackLines() error {
	c := w.c
	g, err := c.loadGraph()
	if err != nil {
		return err
	}
	n, err := w.keepLines(g)
	if err != nil {
		return err
	}
	if c.lines, c.ownLines, c.ownLine = slices.Clone(c.lines), true, (lineSet{}); n < len(c.lines) {
		for i := n; i < len(c.lines); i++ {
			c.lines[i] = &store.Author{}
			c.dirtyLines.add(history.Line(i))
		}
		if g, err = c.loadGraph(); err != nil {
			return err
		}
	}
	c.private, c.held, c.past, c.reader.held = g, g, nil, nil
	c.byAuthor, c.ownAuthors = linesByAuthor(c.lines), true
	for i := range c.lines[:n] {
		line := history.Line(i)
		seq, lv := g.Tip(line)
		if c.lines[i].LV == uint64(lv) {
			continue
		}
		var h head
		if seq > 0 {
			v, err := c.snap().version(lv)
			if err != nil {
				return err
			}
			h = head{lv: lv, line: line, seq: seq, time: v.Time, id: v.ID}
		}
		c.lines[i] = withTip(c.lines[i], h)
		c.dirtyLines.add(line)
	}
	c.tip.own = w.tipOf(c.author.line)
	c.tip.heads = c.tip.heads[:0]
	for _, lv := range g.Heads() {
		line, _ := g.At(lv)
		c.tip.heads = append(c.tip.heads, w.tipOf(line))
	}
	return nil
}

func (w *withdrawal) tipOf(line history.Line) head {
	row := w.c.lines[line]
	return head{lv: history.LV(row.LV), line: line, seq: row.Seq, time: clock.Time(row.Time), id: row.ID}
}

// keepLines counts the lines that were there before the tail, and notes the certificates of the authors of the others. Lines
// of this database's own authors stay, whether they have versions or not.
func (w *withdrawal) keepLines(g *history.Graph) (int, error) {
	keys, err := w.c.snap().ownKeys()
	if err != nil {
		return 0, err
	}
	n := 0
	for i, row := range w.c.lines {
		own := slices.ContainsFunc(keys, func(k identity.AuthorKey) bool { return k.Author() == row.Author })
		info := lineInfo(row)
		if seq, _ := g.Tip(history.Line(i)); seq > 0 || own && !info.Branch() {
			n = i + 1
		}
	}
	for _, row := range w.c.lines[n:] {
		if row.Author == (identity.Author{}) {
			continue
		}
		cert, err := identity.DecodeCertificate(row.Certificate)
		if err != nil {
			return 0, fmt.Errorf("%w: a certificate: %w", store.ErrCorrupt, err)
		}
		w.certificates[row.Author] = cert
	}
	return n, nil
}

// loadGraph reads the graph of what the commit has so far, apart from the one that is shared.
func (c *commit) loadGraph() (*history.Graph, error) {
	g := history.NewGraph()
	return g, c.snap().loadGraph(g)
}

// replay applies again what others wrote, each row as a row. All of them together are sealed.
func (w *withdrawal) replay() error {
	c := w.c
	proofs := proved{certificates: w.certificates, sealed: make(map[history.ID]identity.Seal, len(w.seals))}
	for _, seal := range w.seals {
		proofs.sealed[seal.ID] = seal
	}
	w.again = &applier{
		c: c, g: c.private, placed: make(map[history.ID]place),
		unpacked: &unpacked{proved: proofs, wanted: make(map[history.ID]bool)},
	}
	unsealed := c.unsealed
	c.unsealed = nil
	defer func() { c.unsealed = unsealed }()
	for _, row := range w.others {
		for i := range row {
			if err := w.apply(&row[i].Version); err != nil {
				return err
			}
		}
		if err := c.closeRun(); err != nil {
			return err
		}
	}
	for i := range w.seals {
		seal := &w.seals[i]
		if err := c.tx.Put(store.Seals, sealKey(w.again.placed[seal.ID].line, seal.Seq), sealRow(seal)); err != nil {
			return err
		}
	}
	return nil
}

// apply applies a version as if it came from elsewhere.
func (w *withdrawal) apply(v *history.Version) error {
	w.again.wanted[v.ID] = true
	if err := w.again.add(v, groupOps(nil, v)); err != nil {
		return err
	}
	if a := w.again; len(a.refusals)+a.applied.Pending+a.applied.Duplicates > 0 {
		return fmt.Errorf("replica: version %s cannot be applied again; the versions of this device stay as they are: %v",
			v.Stamp().Name(), firstText(a.refusals))
	}
	return nil
}

func firstText(refused []protocol.Refusal) string {
	if len(refused) == 0 {
		return "something that it needs is missing"
	}
	return refused[0].Text
}
