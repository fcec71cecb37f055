package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
	"github.com/kdelta/kdelta/store"
)

var _ Reader = (*Replica)(nil)

// Get reads the key's visible value into what dst points to, by encoding/json's rules, except that []byte is bytes, and returns the
// version that the value is from, for From and IfVersion. A nil dst asks for the version alone. ErrNotFound where nothing is
// visible, ErrMismatch where the value does not fit.
func (r *Replica) Get(ctx context.Context, key string, dst any) (Version, error) {
	row, v, err := r.row(ctx, key)
	if err != nil {
		return Version{}, err
	}
	if err := decodeJSON(row.Value, dst); err != nil {
		return v, fmt.Errorf("%s: %w", key, err)
	}
	return v, nil
}

// row reads a key's row and the version that its visible value is from.
func (r *Replica) row(ctx context.Context, key string) (store.Doc, Version, error) {
	if r.isClosed() {
		return store.Doc{}, Version{}, ErrClosed
	}
	if err := crdt.CheckKey(key); err != nil {
		return store.Doc{}, Version{}, err
	}
	if one, ok := r.st.(store.Getter); ok {
		if doc, v, ok, err := r.rowOne(ctx, one, key); ok || err != nil {
			return doc, v, err
		}
	}
	var doc store.Doc
	var v Version
	err := r.view(ctx, func(s *snap) error {
		b, err := s.tx.Get(store.Docs, []byte(key))
		if err != nil {
			return absent(err, key)
		}
		if doc, err = store.DecodeDoc(bytes.Clone(b)); err != nil {
			return err
		}
		if !doc.Visible() {
			return absent(store.ErrNotFound, key)
		}
		if err := s.showSequence(key, &doc); err != nil {
			return err
		}
		stamp, err := s.rowStamp(&doc)
		v = Version{Stamp: stamp, seen: s.tip.next, epoch: s.tip.epoch}
		return err
	})
	return doc, v, err
}

// rowOne reads a row without a transaction. ok is false where the cache does not know the row's author yet, and for a text
// or a list, which takes more than a row.
func (r *Replica) rowOne(ctx context.Context, one store.Getter, key string) (doc store.Doc, v Version, ok bool, err error) {
	// What is cached must not be newer than the row: then a row of an earlier epoch would go for one of this.
	r.mu.RLock()
	m := r.mem
	r.mu.RUnlock()
	b, err := one.GetOne(ctx, store.Docs, []byte(key))
	if err != nil {
		return doc, v, false, absent(err, key)
	}
	if doc, err = store.DecodeDoc(b); err != nil {
		return doc, v, false, err
	}
	if !doc.Visible() {
		return doc, v, false, absent(store.ErrNotFound, key)
	}
	if m == nil || crdt.Kind(doc.Kind).IsSequence() || doc.Author >= uint64(len(m.lines)) {
		return doc, v, false, nil
	}
	stamp, err := m.snap(r, nil).rowStamp(&doc)
	// What is behind the row's newest op was not seen.
	return doc, Version{Stamp: stamp, seen: history.LV(doc.Last) + 1, epoch: m.tip.epoch}, true, err
}

func absent(err error, key string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return err
}

// Decode reads a value that came as JSON, as in a Row, a Change or a LogOp, into what dst points to, as Get does: unlike
// encoding/json it knows bytes. ErrMismatch where it does not fit, ErrNotFound where there is none, as in the Change of a delete.
func Decode(value json.RawMessage, dst any) error {
	if len(value) == 0 {
		return ErrNotFound
	}
	return decodeJSON(value, dst)
}

// decodeJSON reads a visible value into an application's value.
func decodeJSON(text []byte, dst any) error {
	if dst == nil {
		return nil
	}
	v, err := canon.FromJSON(text)
	if err != nil {
		return fmt.Errorf("%w: a stored value: %w", store.ErrCorrupt, err)
	}
	return msgpack.ToGo(v, dst)
}

func decodeInto(v canon.Value, dst any) error {
	if dst == nil {
		return nil
	}
	return msgpack.ToGo(v, dst)
}

// Doc is all that is known of a key now: its value and kind, and where they are from. ErrNotFound where nothing is visible.
func (r *Replica) Doc(ctx context.Context, key string) (Doc, error) {
	row, v, err := r.row(ctx, key)
	if err != nil {
		return Doc{}, err
	}
	d := Doc{Row: rowOf(key, &row, v), Strategy: row.Strategy}
	d.Value = bytes.Clone(d.Value) // it may lie in the store's memory
	err = r.view(ctx, func(s *snap) error { return s.describe(&d) })
	return d, err
}

// describe adds the parents and the clock of the visible version.
func (s *snap) describe(d *Doc) error {
	stored, err := s.versionOf(d.Version.Stamp)
	if err != nil {
		return err
	}
	if d.Parents, err = s.parents(stored); err != nil {
		return err
	}
	d.Clock, err = s.vectorAt(stored.lv)
	return err
}

func rowOf(key string, doc *store.Doc, v Version) Row {
	return Row{Key: key, Version: v, Value: doc.Value, Kind: crdt.Kind(doc.Kind), Conflicts: int(doc.Conflicts)}
}

func applyListOptions(opts []ListOption) listOptions {
	var o listOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// List yields the visible keys that start with prefix, in byte order: all of one snapshot, which it holds until the loop ends.
// Keys of kdelta's own namespaces are among them only where prefix starts with a dot.
func (r *Replica) List(ctx context.Context, prefix string, opts ...ListOption) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		err := r.view(ctx, func(s *snap) error {
			n := 0
			o := applyListOptions(opts)
			for row, err := range s.docs(prefix, o.after) {
				if err != nil {
					return err
				}
				doc, err := store.DecodeDoc(bytes.Clone(row.Value))
				if err != nil {
					return err
				}
				if !doc.Visible() {
					continue
				}
				if err := s.showSequence(string(row.Key), &doc); err != nil {
					return err
				}
				stamp, err := s.rowStamp(&doc)
				if err != nil {
					return err
				}
				if !yield(rowOf(string(row.Key), &doc, Version{Stamp: stamp, seen: s.tip.next, epoch: s.tip.epoch}), nil) {
					return errStop
				}
				if n++; n == o.limit {
					return nil
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Row{}, err)
		}
	}
}

// docs scans the rows of the keys that start with prefix and come behind after. kdelta's own namespaces must be asked
// for.
func (s *snap) docs(prefix, after string) iter.Seq2[store.Row, error] {
	r := store.Range{From: []byte(prefix), To: store.PrefixEnd([]byte(prefix))}
	if after != "" && after >= prefix {
		r.From = store.After([]byte(after))
	}
	return func(yield func(store.Row, error) bool) {
		for row, err := range s.tx.Scan(store.Docs, r) {
			if err == nil && row.Key[0] == '.' && !strings.HasPrefix(prefix, ".") {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// Namespaces lists the namespaces that have visible keys, in byte order. It reads the rows of all keys.
func (r *Replica) Namespaces(ctx context.Context) ([]Namespace, error) {
	return countNamespaces(r.List(ctx, ""))
}

func countNamespaces(rows iter.Seq2[Row, error]) ([]Namespace, error) {
	var all []Namespace
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		ns := namespaceOf(row.Key)
		if len(all) == 0 || all[len(all)-1].Name != ns {
			all = append(all, Namespace{Name: ns})
		}
		all[len(all)-1].Keys++
	}
	return all, nil
}
