package replica

import (
	"container/heap"
	"context"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// A log is in the total order of versions, the greatest first. Rows and links are in the order of application, which each
// replica has to itself. Both orders put a version behind those that it covers, so what has to be held back to go from
// one to the other is what was written at the same time.

// byStamp is a heap of versions, the greatest on top. It has their places alone: a version that it kept would keep the
// row that it stands in.
type byStamp []top

func (h byStamp) Len() int           { return len(h) }
func (h byStamp) Less(i, j int) bool { return h[j].stamp.Less(h[i].stamp) }
func (h byStamp) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byStamp) Push(x any)        { *h = append(*h, x.(top)) }

func (h *byStamp) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

func (h *byStamp) add(v *stored) { heap.Push(h, top{v.lv, v.Stamp()}) }

func (h *byStamp) next() top { return heap.Pop(h).(top) }

// keep drops all but the n greatest.
func (h *byStamp) keep(n int) {
	order.Sort(*h, func(a, b top) int { return b.stamp.Compare(a.stamp) }) // which is a heap
	*h = (*h)[:n]
}

// logOfAll passes all versions with their parents and whether they are wanted, down to those beneath which none is. It goes
// from the heads down: the next version is the greatest of those of which every child was passed.
func (s *snap) logOfAll(ctx context.Context, f *logFilter, pass func(v *stored, parents []*stored, wanted bool) error) error {
	var ahead byStamp
	for _, lv := range f.from {
		v, err := s.version(lv)
		if err != nil {
			return err
		}
		ahead.add(v)
	}
	passed := history.LV(0)
	for len(ahead) > 0 {
		lv := ahead.next().lv
		if lv == passed { // it has several children
			continue
		}
		passed = lv
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := s.version(lv)
		if err != nil {
			return err
		}
		itself, below, err := f.wants(v)
		if err != nil {
			return err
		}
		var parents []*stored
		if itself || below {
			if parents, err = s.parentsOf(v); err != nil {
				return err
			}
		}
		if err := pass(v, parents, itself); err != nil {
			return err
		}
		if !below {
			continue
		}
		for _, p := range parents {
			ahead.add(p)
		}
	}
	return nil
}

// logOfKey shows the versions on a key that are wanted. The key's chain is read in the order of application. A version
// that covers all that is on the key before it says that nothing greater is still to be read.
func (s *snap) logOfKey(ctx context.Context, key string, f *logFilter, limit int, show func(v *stored, parents []*stored) error) error {
	chain, err := f.chainOf(key)
	if err != nil {
		return err
	}
	var held byStamp
	showDownTo := func(bound *top) error {
		for len(held) > 0 && (bound == nil || !held[0].stamp.Less(bound.stamp)) {
			v, err := s.version(held.next().lv)
			if err != nil {
				return err
			}
			parents, err := s.parentsOf(v)
			if err == nil {
				err = show(v, parents)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = chain.walk(0, func(v *stored, l link) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		itself, below, err := f.wants(v)
		if err != nil {
			return false, err
		}
		if itself {
			held.add(v)
			if limit > 0 && len(held)/2 >= limit {
				held.keep(limit)
			}
		}
		if !l.all {
			return true, nil
		}
		return below, showDownTo(&top{v.lv, v.Stamp()})
	})
	if err != nil {
		return err
	}
	return showDownTo(nil)
}

// chainOf is the log of a key from where wanted versions may begin.
func (f *logFilter) chainOf(key string) (keyLog, error) {
	chain, err := f.s.chainOf(key)
	if err != nil || f.until == nil {
		return chain, err
	}
	return chain.heldBy(f.until)
}

// chainOf is the log of a key in the order of application.
func (s *snap) chainOf(key string) (keyLog, error) {
	if err := crdt.CheckKey(key); err != nil {
		return keyLog{}, err
	}
	b, err := s.tx.Get(store.Docs, []byte(key))
	if err != nil {
		return keyLog{}, absent(err, key)
	}
	row, err := store.DecodeDoc(b)
	return logOf(s, key, &row), err
}
