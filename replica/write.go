package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
)

// one writes a version of one call.
func (r *Replica) one(ctx context.Context, opts []WriteOption, fn func(*Tx, *writeOptions) error) (Version, error) {
	o := applyWriteOptions(opts)
	var v Version
	err := r.writeUser(ctx, func(c *commit) error {
		tx := &Tx{c: c}
		if err := fn(tx, &o); err != nil || len(tx.ops) == 0 {
			return err
		}
		var err error
		v, err = c.write(tx.ops, history.Meta{Message: o.message})
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return v, nil
}

// Set writes a value: any Go value by encoding/json's rules, where []byte is bytes; json.RawMessage is taken as JSON. The
// version is durable when Set returns. In a namespace under `fields` an object is written as what differs from the
// value that was read (see From), or from the current one; if nothing differs, no version is made and the zero Version
// returned.
func (r *Replica) Set(ctx context.Context, key string, value any, opts ...WriteOption) (Version, error) {
	next, err := msgpack.FromGo(value)
	if err != nil {
		return Version{}, err
	}
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		tx.once = true
		return tx.set(key, next, o)
	})
}

// Delete removes the key's visible value, whatever its kind; it stays in the history. ErrNotFound where nothing is
// visible.
func (r *Replica) Delete(ctx context.Context, key string, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error { return tx.delete(key, o) })
}

// Add adds n to the counter at key; a key that shows nothing becomes one.
func (r *Replica) Add(ctx context.Context, key string, n int64, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error { return tx.add(key, n, o) })
}

// SetAdd adds elements to the set at key; a key that shows nothing becomes one.
func (r *Replica) SetAdd(ctx context.Context, key string, elements []any, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error { return tx.setAdd(key, elements, o) })
}

// SetRemove removes elements from the set at key. An add that this replica has not seen keeps its element. If none of them is
// there, no version is made and the zero Version returned.
func (r *Replica) SetRemove(ctx context.Context, key string, elements []any, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error { return tx.setRemove(key, elements, o) })
}

// Set is Replica.Set inside the transaction. Message has no effect here: give it to Update.
func (tx *Tx) Set(key string, value any, opts ...WriteOption) error {
	next, err := msgpack.FromGo(value)
	if err != nil {
		return err
	}
	o := applyWriteOptions(opts)
	return tx.set(key, next, &o)
}

// Delete is Replica.Delete inside the transaction.
func (tx *Tx) Delete(key string, opts ...WriteOption) error {
	o := applyWriteOptions(opts)
	return tx.delete(key, &o)
}

// Add is Replica.Add inside the transaction.
func (tx *Tx) Add(key string, n int64) error { return tx.add(key, n, &writeOptions{}) }

// SetAdd is Replica.SetAdd inside the transaction.
func (tx *Tx) SetAdd(key string, elements ...any) error {
	return tx.setAdd(key, elements, &writeOptions{})
}

// SetRemove is Replica.SetRemove inside the transaction.
func (tx *Tx) SetRemove(key string, elements ...any) error {
	return tx.setRemove(key, elements, &writeOptions{})
}

func (tx *Tx) set(key string, next canon.Value, o *writeOptions) error {
	view, err := tx.glance(key, o)
	if err != nil {
		return err
	}
	if !isDocument(view.Kind) {
		return wrongKind(key, view.Kind, "set")
	}
	strategy, name, err := tx.c.strategyOf(namespaceOf(key))
	if err != nil {
		return err
	}
	if strategy == nil {
		return fmt.Errorf("%w: %q, of namespace %q: register it in Options.Strategies to write here",
			ErrUnknownStrategy, name, namespaceOf(key))
	}
	var base canon.Value
	if view.Value != nil && !view.Revived && (o.from != nil || crdt.NeedsBase(strategy)) {
		if base, err = tx.base(key, o); err != nil {
			return err
		}
	}
	op, changed, err := crdt.EncodeSet(key, strategy, base, next)
	if err != nil || !changed {
		return err
	}
	return tx.stageContent(key, op)
}

// base is the value that the writer had read: what From says, else the current one.
func (tx *Tx) base(key string, o *writeOptions) (canon.Value, error) {
	if o.from == nil || tx.wrote(key) {
		view, err := tx.view(key)
		return view.Value, err
	}
	s := tx.c.snap()
	p := point{before: o.from.seen}
	if o.from.seen == 0 || o.from.epoch != s.tip.epoch {
		var err error
		if p, err = o.from.resolve(s); err != nil {
			return nil, err
		}
	}
	view, err := s.viewAt(key, p, nil)
	return view.Value, err
}

// check is what every write does first: the key, and the condition that the caller made.
func (tx *Tx) check(key string, o *writeOptions) (crdt.View, error) {
	view, err := tx.view(key)
	if err != nil {
		return view, err
	}
	err = tx.met(key, &view, o)
	return view, err
}

// glance is check for whoever does not look at the value: that may be null where the key shows another.
func (tx *Tx) glance(key string, o *writeOptions) (crdt.View, error) {
	if tx.done || tx.wrote(key) || crdt.CheckKey(key) != nil {
		return tx.check(key, o)
	}
	e, err := tx.c.entry(key)
	if err != nil {
		return crdt.View{}, err
	}
	view, err := tx.c.viewOf(key, e.state)
	if err != nil {
		return view, err
	}
	err = tx.met(key, &view, o)
	return view, err
}

// met is nil if what the key shows fulfils the condition.
func (tx *Tx) met(key string, view *crdt.View, o *writeOptions) error {
	if o.ifVersion == nil {
		return nil
	}
	var now history.ID
	if shows(view) {
		now = view.At.ID
	}
	if now == o.ifVersion.ID {
		return nil
	}
	want, err := tx.c.snap().current(*o.ifVersion)
	if err != nil || now != want.ID {
		return errors.Join(err, fmt.Errorf("%w: %s is at %s", ErrVersionMismatch, key, versionOrNothing(view)))
	}
	return nil
}

func versionOrNothing(v *crdt.View) string {
	if !shows(v) {
		return "nothing"
	}
	return v.At.Name()
}

func wrongKind(key string, kind crdt.Kind, verb string) error {
	instead := ""
	switch kind {
	case crdt.KindText:
		instead = "edit it with Text (kdelta edit), "
	case crdt.KindList:
		instead = "edit it with Array (kdelta array), "
	}
	return fmt.Errorf("%w: %s is a %s, which %s cannot change; %sdelete it first or use another key",
		ErrWrongKind, key, kind, verb, instead)
}

func (tx *Tx) delete(key string, o *writeOptions) error {
	view, err := tx.glance(key, o)
	if err != nil {
		return err
	}
	if view.Kind == crdt.KindNone {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	op, err := crdt.Delete(key)
	if err != nil {
		return err
	}
	return tx.stage(key, op)
}

func (tx *Tx) add(key string, n int64, o *writeOptions) error {
	view, err := tx.glance(key, o)
	if err != nil {
		return err
	}
	if view.Kind != crdt.KindNone && view.Kind != crdt.KindCounter {
		return wrongKind(key, view.Kind, "add")
	}
	op, err := crdt.Add(key, n)
	if err != nil {
		return errors.Join(ErrOutOfRange, err)
	}
	state, err := tx.state(key)
	if err != nil {
		return err
	}
	if !state.CanAdd(n) {
		return fmt.Errorf("%w: %s", ErrOutOfRange, key)
	}
	return tx.stageContent(key, op)
}

func (tx *Tx) setAdd(key string, elements []any, o *writeOptions) error {
	_, values, err := tx.elements(key, elements, o)
	if err != nil {
		return err
	}
	op, err := crdt.SetAdd(key, values)
	if err != nil {
		return err
	}
	return tx.stageContent(key, op)
}

func (tx *Tx) setRemove(key string, elements []any, o *writeOptions) error {
	set, values, err := tx.elements(key, elements, o)
	if err != nil {
		return err
	}
	if _, err := crdt.SetRemove(key, values); err != nil {
		return err // also of what is not there
	}
	has := elementsOf(set)
	values = slices.DeleteFunc(values, func(v crdt.Value) bool { return !has[string(v)] })
	if len(values) == 0 {
		return nil
	}
	op, err := crdt.SetRemove(key, values)
	if err != nil {
		return err
	}
	return tx.stageContent(key, op)
}

// elements are what a set shows, and elements to add to it or to remove.
func (tx *Tx) elements(key string, elements []any, o *writeOptions) (set canon.Value, values []crdt.Value, err error) {
	view, err := tx.glance(key, o)
	if err != nil {
		return nil, nil, err
	}
	if view.Kind != crdt.KindNone && view.Kind != crdt.KindSet {
		return nil, nil, wrongKind(key, view.Kind, "set-add and set-remove")
	}
	for _, e := range elements {
		v, err := msgpack.FromGo(e)
		if err != nil {
			return nil, nil, err
		}
		values = append(values, v)
	}
	return view.Value, values, nil
}

// stageContent stages an op whose body may have to be destroyed one day: in an erasable namespace it is kept apart from
// the version, which holds its salted hash alone.
func (tx *Tx) stageContent(key string, op crdt.Op) error {
	if err := tx.stage(key, op); err != nil {
		return err
	}
	settings, err := tx.c.settingsOf(namespaceOf(key))
	if err != nil || !settings.Erasable {
		return err
	}
	d := &history.Detached{}
	if err := tx.c.r.readFull(d.Salt[:]); err != nil {
		return err
	}
	tx.ops[len(tx.ops)-1].Detached = d
	return nil
}

// tooLarge turns the format's refusal of a version into this package's, which says once what is too large.
func tooLarge(err error) error {
	if !errors.Is(err, history.ErrTooLarge) {
		return err
	}
	text := err.Error()
	if i := strings.LastIndex(text, history.ErrTooLarge.Error()+": "); i >= 0 {
		text = text[i+len(history.ErrTooLarge.Error())+2:]
	}
	return &beyondLimit{text: text, cause: err}
}

// beyondLimit is ErrTooLarge with what is beyond which limit.
type beyondLimit struct {
	text  string
	cause error
}

func (e *beyondLimit) Error() string {
	return ErrTooLarge.Error() + ": " + e.text + "; write less at a time"
}

func (e *beyondLimit) Unwrap() []error { return []error{ErrTooLarge, e.cause} }
