package replica

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/store"
)

// checkHistory reads all versions in the order in which they were applied, and builds the graph from them alone.
func (v *verifier) checkHistory() error {
	v.g, v.tips = history.NewGraph(), make(map[history.Line]head)
	next := history.LV(1)
	err := v.scan(store.Runs, store.Range{}, func(row store.Row) error {
		first := history.LV(store.KeyInt(row.Key))
		if first != next {
			v.lost("the run at %d does not follow the one before, which ends at %d", first, next-1)
		}
		width, err := v.checkRun(first, row.Value)
		next = first + width
		v.step(uint64(width))
		return err
	})
	if err != nil {
		return err
	}
	if next != v.m.tip.next {
		v.lost("versions end at %d, the tip says %d", next-1, v.m.tip.next-1)
	}
	rows := 0
	err = v.scan(store.Spans, store.Range{}, func(row store.Row) error {
		rows++
		_, err := history.DecodeSpan(row.Value)
		return err
	})
	if rows != v.spans && !v.broken {
		v.damage("the graph has %d spans, stored are %d", v.spans, rows)
	}
	return err
}

// lost notes damage after which the versions make no whole graph.
func (v *verifier) lost(format string, args ...any) {
	v.damage(format, args...)
	v.broken = true
}

// checkRun checks one row of Runs and returns how many dots it holds.
func (v *verifier) checkRun(first history.LV, value []byte) (history.LV, error) {
	row, err := parseRunRow(first, value)
	if err != nil {
		v.lost("%s", err)
		return 0, nil
	}
	if len(row.run) == 0 && len(row.links) == 0 {
		return 0, nil // a tip alone; it can only be the newest, since the next version takes its place
	}
	if err := v.reader.reset(v.s.space, &row); err != nil {
		v.lost("the run at %d: %s", first, err)
		return 0, nil
	}
	versions := make([]history.Version, 0, v.reader.len())
	var width history.LV
	for {
		ver, err := v.reader.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			v.lost("the run at %d, version %d of it: %s", first, len(versions)+1, err)
			if errors.Is(err, history.ErrRun) || errors.Is(err, pack.ErrPack) {
				break
			}
			continue
		}
		width += history.LV(ver.Width)
		versions = append(versions, ver.Clone())
	}
	v.report.Versions += len(versions)
	if v.broken {
		return width, nil
	}
	for i := range versions {
		if err := v.place(&versions[i]); err != nil || v.broken {
			return width, err
		}
	}
	if row.packed != (first < v.m.tip.packed) {
		v.damage("the run at %d is packed or not, other than the tip says", first)
	}
	if row.packed {
		return width, nil // its checksum says that there is nothing else in it
	}
	again, err := history.EncodeRun(versions)
	if err == nil && !bytes.Equal(again, row.run) {
		v.damage("the run at %d has more in it than its versions", first)
	}
	return width, err
}

// place adds a version to the graph, if it belongs there.
func (v *verifier) place(ver *history.Version) error {
	name := ver.Stamp().Name()
	at, err := v.g.Attach(ver, v)
	if err != nil {
		return err
	}
	line := at.Line
	switch at.Place {
	case history.PlaceKnown:
		v.lost("version %s is here twice", name)
		return nil
	case history.PlaceMissing:
		v.lost("version %s names a version before it, %.12s, that is not here", name, ver.Prev)
		return nil
	case history.PlaceNewLine:
		var ok bool
		if line, ok = v.addLine(at.Info); !ok {
			v.lost("version %s starts a line that the authors table does not have", name)
			return nil
		}
	}
	parents, err := v.parents(ver, at)
	if err != nil || v.broken {
		return err
	}
	lv, newSpan := v.g.Add(line, ver.Seq-ver.Width+1, ver.Width, parents)
	last := lv + history.LV(ver.Width) - 1
	v.tips[line] = head{lv: last, line: line, seq: ver.Seq, time: ver.Time, id: ver.ID}
	if err := v.checkContents(ver); err != nil || !newSpan {
		return err
	}
	v.spans++
	b, err := v.s.tx.Get(store.Spans, store.IntKey(uint64(lv)))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !bytes.Equal(b, history.AppendSpan(nil, v.g.LastSpan())) {
		v.damage("the span at %d is not that of version %s", lv, name)
	}
	return nil
}

// addLine adds the next lines of the authors table up to the one that info describes.
func (v *verifier) addLine(info history.LineInfo) (history.Line, bool) {
	for n := v.g.NumLines(); n < len(v.m.lines); n++ {
		row := lineInfo(v.m.lines[n])
		if row == info {
			return v.g.AddLine(row), true
		}
		if row.Branch() || row.Author == info.Author {
			break
		}
		v.g.AddLine(row) // an author that has not written yet, or ever
	}
	return 0, false
}

// parents finds a version's parents, which must be older.
func (v *verifier) parents(ver *history.Version, at history.Attachment) ([]history.LV, error) {
	var parents []history.LV
	var times []clock.Time
	add := func(lv history.LV) error {
		t, err := v.timeOf(lv)
		parents, times = append(parents, lv), append(times, t)
		return err
	}
	if at.LV > 0 {
		if err := add(at.LV); err != nil {
			return nil, err
		}
	}
	for _, dep := range ver.Deps {
		lv, found, err := v.g.Lookup(dep, v)
		if err != nil {
			return nil, err
		}
		if !found {
			v.lost("version %s names a parent, %s (%.12s), that is not here", ver.Stamp().Name(), nameOf(dep.Author, dep.Seq), dep.ID)
			return nil, nil
		}
		if err := add(lv); err != nil {
			return nil, err
		}
	}
	if err := ver.CheckTime(times...); err != nil {
		v.damage("%s", err)
	}
	return parents, nil
}

// timeOf is the time of a version in the graph.
func (v *verifier) timeOf(lv history.LV) (clock.Time, error) {
	line, _ := v.g.At(lv)
	if tip := v.tips[line]; tip.lv == lv {
		return tip.time, nil
	}
	at, err := v.s.version(lv)
	if err != nil {
		return 0, err
	}
	return at.Time, nil
}

// ID implements history.IDs.
func (v *verifier) ID(lv history.LV) (history.ID, history.LV, error) {
	line, _ := v.g.At(lv)
	if tip := v.tips[line]; tip.lv == lv {
		return tip.id, lv, nil
	}
	return v.s.ID(lv)
}

// Next implements history.IDs: the graph is made of what was read.
func (v *verifier) Next() history.LV { return v.g.Next() }

// decodeState reads the rows that follow from the versions, where these are too damaged to compare with.
func (v *verifier) decodeState() error {
	v.damage("the history is damaged, so keys were read but not computed again")
	err := v.scan(store.Docs, store.Range{}, func(row store.Row) error {
		doc, err := store.DecodeDoc(row.Value)
		if err == nil {
			v.countKey(row.Key, &doc)
			_, err = v.s.stateOf(&doc)
		}
		return v.found(inKey(row.Key, err))
	})
	if err != nil {
		return err
	}
	err = v.scan(store.Conflicts, store.Range{}, func(row store.Row) error {
		_, err := store.DecodeConflict(row.Value)
		return v.found(inKey(row.Key, err))
	})
	if err != nil {
		return err
	}
	err = v.scan(store.Checkpoints, store.Range{}, func(row store.Row) error {
		c, err := decodeCheckpoint(row)
		if err == nil {
			_, err = c.folded()
		}
		return v.found(inKey(row.Key, err))
	})
	if err != nil {
		return err
	}
	return v.scan(store.Sequences, store.Range{}, func(row store.Row) error {
		_, err := withoutSum(row.Value)
		return v.found(inKey(row.Key, inSequence(err)))
	})
}

func inKey(key []byte, err error) error {
	if err == nil {
		return nil
	}
	key, _, _ = bytes.Cut(key, []byte{0})
	return fmt.Errorf("key %q: %w", key, err)
}

// countKey counts a key for the report.
func (v *verifier) countKey(key []byte, row *store.Doc) {
	if row.Visible() && key[0] != '.' {
		v.report.Keys++
	}
}
