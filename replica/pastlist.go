package replica

import (
	"context"
	"errors"
	"iter"

	"github.com/kdelta/kdelta/crdt"
)

// Whoever looks for what many keys showed in the past looks for groups of them together, so that the rows of the history that
// they need are read once for each group. The first group is small: what it finds is not to wait for the rest.
const (
	firstTogether = 32
	maxTogether   = 16 << 10
	// maxTogetherKept bounds the bytes that the looks of a group keep.
	maxTogetherKept = 8 << 20
)

// endTogether takes looks to their ends, all for which there is room.
func (s *snap) endTogether(ctx context.Context, looks []pastLook, room int) error {
	var descents []*descent
	for i := range looks {
		switch d := looks[i].down; {
		case d == nil:
		case d.next == 0 && !d.full:
			room -= d.size
		default:
			d.again(&room)
			descents = append(descents, d)
		}
	}
	return s.descendAll(ctx, descents)
}

// endFirst is the state of the first of some looks, which go on together if it has not come to its end.
func (s *snap) endFirst(ctx context.Context, looks []pastLook, room int) (*crdt.State, error) {
	if d := looks[0].down; d != nil && (d.next > 0 || d.full) {
		if err := s.endTogether(ctx, looks, room); err != nil {
			return nil, err
		}
	}
	state, err := looks[0].end()
	looks[0] = pastLook{}
	return state, err
}

// List implements Reader.
func (p *past) List(ctx context.Context, prefix string, opts ...ListOption) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		err := p.view(ctx, func(s *snap, at point) error {
			o := applyListOptions(opts)
			l := pastList{s: s, at: at, left: o.limit, yield: yield}
			size := firstTogether
			for row, err := range s.docs(prefix, o.after) {
				if err != nil {
					return err
				}
				if l.keys = append(l.keys, string(row.Key)); len(l.keys) < size {
					continue
				}
				if err := l.flush(ctx); err != nil {
					return err
				}
				size = maxTogether
			}
			return l.flush(ctx)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Row{}, err)
		}
	}
}

// pastList lists the keys of a group after the other as they were at a point.
type pastList struct {
	s  *snap
	at point
	// left is how many rows are still wanted, 0 for all.
	left  int
	yield func(Row, error) bool
	keys  []string
}

// flush yields what the keys showed that were gathered; errStop where no more is wanted.
func (l *pastList) flush(ctx context.Context) error {
	looks := make([]pastLook, len(l.keys))
	var err error
	for i, key := range l.keys {
		if looks[i], err = l.s.lookAt(key, l.at); err != nil {
			return err
		}
	}
	strategies := make(map[string]crdt.Strategy)
	for i, key := range l.keys {
		strategy, known := strategies[namespaceOf(key)]
		if !known {
			if strategy, err = l.s.strategyAt(namespaceOf(key), l.at); err != nil {
				return err
			}
			strategies[namespaceOf(key)] = strategy
		}
		state, err := l.s.endFirst(ctx, looks[i:], maxTogetherKept)
		if err != nil {
			return err
		}
		view, err := l.s.viewOf(key, state, strategy)
		if err != nil {
			return err
		}
		if !shows(&view) {
			continue
		}
		if err := l.s.showSequenceIn(key, &view, l.at); err != nil {
			return err
		}
		if !l.yield(viewRow(key, &view), nil) || l.left == 1 {
			return errStop
		}
		l.left--
	}
	l.keys = l.keys[:0]
	return nil
}
