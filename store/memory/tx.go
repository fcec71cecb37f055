package memory

import (
	"iter"

	"github.com/kdelta/kdelta/store"
)

// tx is one transaction. state is nil once it is over; base is nil in a View.
type tx struct {
	state *state
	base  *state
}

func (x *tx) finish() { x.state = nil }

// Get implements [store.Tx].
func (x *tx) Get(t store.Table, key []byte) ([]byte, error) {
	if x.state == nil {
		return nil, errOver
	}
	return x.state.get(t, key)
}

// Put implements [store.Tx].
func (x *tx) Put(t store.Table, key, value []byte) error {
	if err := x.writable(t, key); err != nil {
		return err
	}
	x.state.put(t, key, value)
	return nil
}

// Delete implements [store.Tx].
func (x *tx) Delete(t store.Table, key []byte) error {
	if err := x.writable(t, key); err != nil {
		return err
	}
	x.state.remove(t, key)
	return nil
}

// writable checks that the row may be written and makes the table this transaction's own.
func (x *tx) writable(t store.Table, key []byte) error {
	switch {
	case x.state == nil:
		return errOver
	case x.base == nil:
		return store.ErrReadOnly
	}
	if err := store.CheckKey(t, key); err != nil {
		return err
	}
	if x.state.tables[t] == x.base.tables[t] {
		x.state.own(t)
	}
	return nil
}

// Scan implements [store.Tx].
func (x *tx) Scan(t store.Table, r store.Range) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		switch {
		case x.state == nil:
			yield(store.Row{}, errOver)
		case int(t) >= len(x.state.tables):
			yield(store.Row{}, store.CheckKey(t, nil))
		default:
			scan(x.state.tables[t], r, yield)
		}
	}
}

func scan(tree *table, r store.Range, yield func(store.Row, error) bool) {
	from, to := string(r.From), string(r.To)
	var key []byte
	row := func(k, v string) bool {
		if r.Reverse && r.To != nil && k == to {
			return true // a descent starts at To itself, which the range leaves out
		}
		if k < from || r.To != nil && k >= to {
			return false
		}
		key = append(key[:0], k...)
		var value []byte
		if !r.KeysOnly {
			value = data(v)
		}
		return yield(store.Row{Key: key, Value: value}, nil)
	}
	switch {
	case !r.Reverse:
		tree.Ascend(from, row)
	case r.To == nil:
		tree.Reverse(row)
	default:
		tree.Descend(to, row)
	}
}
