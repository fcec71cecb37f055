package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// Update runs fn and commits what it wrote as one version: all of it is visible or none, here and on every peer.
//
// Isolation: Updates of all goroutines and all processes on one database run one after the other (serialisable). Inside
// fn, Get and List see the database as it was when fn began and fn's own writes. fn may run again if the store asks
// for it, so it should have no effects but through its Tx. If fn returns an error nothing is written and Update
// returns that error. If fn wrote nothing, Update returns the zero Version.
//
// An Update never splits: what is too large for one version is refused with ErrTooLarge. Writing to the Replica itself
// from inside fn is ErrNested.
func (r *Replica) Update(ctx context.Context, fn func(*Tx) error, opts ...WriteOption) (Version, error) {
	o := applyWriteOptions(opts)
	var v Version
	err := r.writeUser(ctx, func(c *commit) error {
		tx := &Tx{c: c}
		err := r.updating.run(func() error {
			defer func() { tx.done = true }()
			return fn(tx)
		})
		if err != nil {
			return err
		}
		if len(tx.ops) == 0 {
			return nil
		}
		v, err = c.write(tx.ops, history.Meta{Message: o.message})
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return v, nil
}

// writeUser is write for what users call: it refuses closed replicas.
func (r *Replica) writeUser(ctx context.Context, body func(*commit) error) error {
	if r.isClosed() {
		return ErrClosed
	}
	return r.write(ctx, body)
}

func applyWriteOptions(opts []WriteOption) writeOptions {
	var o writeOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// updating tells whether a goroutine is inside of what the application gave a commit to call: a write from there would wait for
// itself for ever. Only goroutines that find some of it running pay for the look at their own number.
type updating struct {
	// goroutine is the one that may not write while the function of an Update or the source of an Import runs, calling the one that a
	// commit is on while that calls a strategy or the Logger.
	goroutine, calling atomic.Uint64
}

func (u *updating) run(fn func() error) error { return u.runFor(goroutineNumber(), fn) }

// runFor is run where it is another goroutine that may not write meanwhile.
func (u *updating) runFor(goroutine uint64, fn func() error) error {
	u.goroutine.Store(goroutine)
	defer u.goroutine.Store(0)
	return fn()
}

// call says that a commit calls a strategy or the Logger, until what it returns is called. A strategy may be asked while another one is:
// for what there was before.
func (u *updating) call() (returned func()) {
	outer := u.calling.Swap(goroutineNumber())
	return func() { u.calling.Store(outer) }
}

func (u *updating) here() bool {
	g, calling := u.goroutine.Load(), u.calling.Load()
	if g == 0 && calling == 0 {
		return false
	}
	n := goroutineNumber()
	return g == n || calling == n
}

// warnInside tells the Logger something from inside of a commit.
func (r *Replica) warnInside(msg string, args ...any) {
	defer r.updating.call()()
	r.log.Warn(msg, args...)
}

// goroutineNumber reads the number that the runtime prints in stack traces: "goroutine 17 [running]:".
func goroutineNumber() uint64 {
	var buf [64]byte
	line := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	var n uint64
	for _, d := range line {
		if d < '0' || d > '9' {
			break
		}
		n = n*10 + uint64(d-'0')
	}
	return n
}

// Tx is one transaction of an Update. It belongs to the goroutine that runs the Update's function and is invalid
// afterwards.
type Tx struct {
	c    *commit
	ops  []history.Op
	done bool
	// system allows writes to kdelta's own namespaces.
	system bool
	// once is set where nobody looks at the transaction behind its one write.
	once bool
	// written are the keys that were written, groups what was: the ops of one call each.
	written map[string]writtenKey
	groups  []opGroup
	// drafts are the texts and lists that were written, and those that were looked at to be.
	drafts map[docID]*draft
}

// writtenKey is a key that a transaction wrote. What came of it is worked out when somebody looks.
type writtenKey struct {
	// state has the groups up to the one of number applied; it is nil before somebody looked.
	state   *crdt.State
	applied int
	// newest is the number of the newest group on the key: its index in groups, and one more.
	newest int
}

// opGroup is ops[from:to] of a transaction, on one key. before is the number of the group before it on that key.
type opGroup struct{ from, to, before int }

// errTxDone: a Tx was used after its Update.
var errTxDone = errors.New("replica: the Tx of an Update that is over")

// state is the key's state as the transaction sees it.
func (tx *Tx) state(key string) (*crdt.State, error) {
	if tx.done {
		return nil, errTxDone
	}
	if err := crdt.CheckKey(key); err != nil {
		return nil, err
	}
	w := tx.written[key]
	if w.state != nil && w.applied == w.newest {
		return w.state, nil
	}
	state := w.state
	if state == nil {
		e, err := tx.c.entry(key)
		if err != nil {
			return nil, err
		}
		if err := tx.c.snap().unfold(e, []byte(e.key)); err != nil || w.newest == 0 {
			return e.state, err
		}
		state = e.state.Clone()
	}
	if err := tx.apply(state, w.newest, w.applied); err != nil {
		return nil, err
	}
	tx.written[key] = writtenKey{state: state, applied: w.newest, newest: w.newest}
	return state, nil
}

// apply applies a key's groups behind the one of number applied, up to newest. The version is not made yet; its place in the
// order is above all that there is.
func (tx *Tx) apply(state *crdt.State, newest, applied int) error {
	var ops []crdt.Op
	for _, g := range slices.Backward(tx.groupsBehind(newest, applied)) {
		ops = ops[:0]
		for i := g.from; i < g.to; i++ {
			ops = append(ops, tx.ops[i].Op)
		}
		if _, err := state.Apply(ops, tx.c.provisional(g.from), seesAll{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// groupsBehind are a key's groups behind the one of number applied, up to newest, the newest one first.
func (tx *Tx) groupsBehind(newest, applied int) (groups []opGroup) {
	for n := newest; n > applied; n = tx.groups[n-1].before {
		groups = append(groups, tx.groups[n-1])
	}
	return groups
}

// wrote reports whether the transaction has written a key.
func (tx *Tx) wrote(key string) bool { return tx.written[key].newest > 0 }

// view is what the transaction sees of a key.
func (tx *Tx) view(key string) (crdt.View, error) {
	s, err := tx.state(key)
	if err != nil {
		return crdt.View{}, err
	}
	return tx.c.viewOf(key, s)
}

// stage adds ops on one key, all or none.
func (tx *Tx) stage(key string, ops ...crdt.Op) error {
	if strings.HasPrefix(key, ".") && !tx.system {
		return fmt.Errorf("%w: %q", ErrReserved, namespaceOf(key))
	}
	if tx.done {
		return errTxDone
	}
	e, err := tx.c.entry(key)
	if err != nil {
		return err
	}
	if e.state.Unknown() {
		return fmt.Errorf("%w: %s", ErrNewerFormat, key)
	}
	g := opGroup{from: len(tx.ops), to: len(tx.ops) + len(ops)}
	for _, op := range ops {
		tx.ops = append(tx.ops, history.Op{Op: op})
	}
	if tx.once {
		return nil
	}
	if tx.written == nil {
		tx.written = make(map[string]writtenKey)
	}
	w := tx.written[key]
	g.before = w.newest
	tx.groups = append(tx.groups, g)
	w.newest = len(tx.groups)
	tx.written[key] = w
	return nil
}

// Get reads the key's visible value into dst, as the transaction sees it.
func (tx *Tx) Get(key string, dst any) (Version, error) {
	v, err := tx.shown(key)
	if err != nil {
		return Version{}, err
	}
	if !shows(&v) {
		return Version{}, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return Version{Stamp: v.At, seen: tx.c.tip.next, epoch: tx.c.tip.epoch}, decodeInto(v.Value, dst)
}

// List yields the visible keys that start with prefix in byte order, as the transaction sees them. The loop may write.
func (tx *Tx) List(prefix string, opts ...ListOption) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		keys, err := tx.keys(prefix)
		if err != nil {
			yield(Row{}, err)
			return
		}
		o := applyListOptions(opts)
		n := 0
		for _, key := range keys {
			if key <= o.after && o.after != "" {
				continue
			}
			v, err := tx.shown(key)
			if err != nil {
				yield(Row{}, err)
				return
			}
			if !shows(&v) {
				continue
			}
			row := Row{
				Key: key, Kind: v.Kind, Value: v.Value.AppendJSON(nil), Conflicts: len(v.Conflicts),
				Version: Version{Stamp: v.At, seen: tx.c.tip.next, epoch: tx.c.tip.epoch},
			}
			if !yield(row, nil) {
				return
			}
			if n++; n == o.limit {
				return
			}
		}
	}
}

// keys are the stored keys under a prefix together with those that the transaction wrote.
func (tx *Tx) keys(prefix string) ([]string, error) {
	if tx.done {
		return nil, errTxDone
	}
	var keys []string
	r := store.Range{From: []byte(prefix), To: store.PrefixEnd([]byte(prefix)), KeysOnly: true}
	for row, err := range tx.c.tx.Scan(store.Docs, r) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, string(row.Key))
	}
	for _, e := range tx.c.touched {
		if e.dirty && strings.HasPrefix(e.key, prefix) {
			keys = append(keys, e.key)
		}
	}
	for key := range tx.written {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	if prefix == "" { // kdelta's own must be asked for
		keys = slices.DeleteFunc(keys, func(key string) bool { return key[0] == '.' })
	}
	order.Sort(keys, strings.Compare)
	return slices.Compact(keys), nil
}
