package replica

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
)

// A Collection is one namespace whose values are all read and written as one Go type, by encoding/json's rules. It holds
// nothing; make as many as you like.
type Collection[T any] struct {
	r  *Replica
	ns string
}

// An Item is one value of a Collection.
type Item[T any] struct {
	// Name is the key without the namespace.
	Name    string
	Value   T
	Version Version
}

// NewCollection is the collection of a namespace. A name that no namespace can have is an error of each call.
func NewCollection[T any](r *Replica, ns string) Collection[T] { return Collection[T]{r: r, ns: ns} }

// Key is the key of a name.
func (c Collection[T]) Key(name string) string { return c.ns + "/" + name }

// Get returns the value of a name and the version that it is from, for From and IfVersion. ErrNotFound where nothing is
// visible.
func (c Collection[T]) Get(ctx context.Context, name string) (T, Version, error) {
	var value T
	v, err := c.r.Get(ctx, c.Key(name), &value)
	return value, v, err
}

// Set writes the whole value; see Replica.Set. Members that T does not know are written over, unless From says which
// version was read and the namespace is under `fields`. Update keeps them.
func (c Collection[T]) Set(ctx context.Context, name string, value T, opts ...WriteOption) (Version, error) {
	return c.r.Set(ctx, c.Key(name), value, opts...)
}

// Delete removes the value of a name; see Replica.Delete.
func (c Collection[T]) Delete(ctx context.Context, name string, opts ...WriteOption) (Version, error) {
	return c.r.Delete(ctx, c.Key(name), opts...)
}

// Update reads the value of a name, has fn change it, and writes what fn changed and nothing else: members that T does
// not know, which a newer version of the application may have written, stay. It is one Update of the replica, so no
// other write comes in between, and fn must use neither the replica nor the collection. If fn returns an error, or
// changes nothing, nothing is written. ErrNotFound where nothing is visible.
func (c Collection[T]) Update(ctx context.Context, name string, fn func(*T) error, opts ...WriteOption) (Version, error) {
	key := c.Key(name)
	o := applyWriteOptions(opts)
	return c.r.Update(ctx, func(tx *Tx) error {
		view, err := tx.check(key, &o)
		if err != nil {
			return err
		}
		if !shows(&view) {
			return fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		if !isDocument(view.Kind) {
			return wrongKind(key, view.Kind, "update")
		}
		var value T
		if err := msgpack.ToGo(view.Value, &value); err != nil {
			return err
		}
		before, err := msgpack.FromGo(value)
		if err != nil {
			return err
		}
		if err := fn(&value); err != nil {
			return err
		}
		after, err := msgpack.FromGo(value)
		if err != nil {
			return err
		}
		changes := crdt.Diff(before, after)
		if len(changes) == 0 {
			return nil
		}
		next, err := edited(view.Value, after, changes)
		if err != nil {
			return err
		}
		return tx.set(key, next, &writeOptions{})
	}, opts...)
}

// edited is a value with changes made to it: member by member where both are objects, else what came out.
func edited(value, after canon.Value, changes []crdt.Change) (canon.Value, error) {
	if value.Type() != canon.TypeMap || after.Type() != canon.TypeMap {
		return after, nil
	}
	edits := make([]crdt.Edit, len(changes))
	for i, change := range changes {
		if len(change.Path) == 0 {
			return after, nil
		}
		edits[i] = crdt.Edit{Path: change.Path, Value: change.New}
	}
	return crdt.ApplyEdits(value, edits)
}

// All yields the collection's values by name, in byte order. A value that T cannot hold ends it with an error that names
// the key. It holds one snapshot until the loop ends.
func (c Collection[T]) All(ctx context.Context, opts ...ListOption) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		for row, err := range c.r.List(ctx, c.ns+"/", c.within(opts)...) {
			var item Item[T]
			if err == nil {
				item.Name, item.Version = strings.TrimPrefix(row.Key, c.ns+"/"), row.Version
				if err = decodeJSON(row.Value, &item.Value); err != nil {
					err = fmt.Errorf("%s: %w", row.Key, err)
				}
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// within turns After's name into the key that it means.
func (c Collection[T]) within(opts []ListOption) []ListOption {
	if o := applyListOptions(opts); o.after != "" {
		return append(opts[:len(opts):len(opts)], After(c.Key(o.after)))
	}
	return opts
}
