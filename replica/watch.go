package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/store"
)

// Watching is reading the rows of Runs on from a place, again and again: each commit adds versions at their end. So a
// watcher needs no memory, sees what any process wrote, and can go on later where it was (cursor.go). What a key shows is
// read from the same snapshot as the version that touched it.

// Event is one version that was applied, whoever wrote it: all the keys that it changed, together. A version that erases may have an
// event before, of the keys that changed when what it erased became known here.
type Event struct {
	Version Version
	// Remote is true for a version of another author.
	Remote  bool
	Changes []Change
	// Cursor is the place behind this event: a Watch Since it goes on there.
	Cursor Cursor
	// Reset says that a Watch cannot go on from where it was: forget all that it told. The events that follow it tell what
	// each key shows now, each with the version that this is from, and then what happens. A Reset has no version and no changes.
	Reset bool
}

// Change is what an event did to one key: its visible value when the event was read, which is that after the event or
// after a later one: what came later has events of its own.
type Change struct {
	Key string
	// Value is the visible value as compact JSON, which Decode reads; nil where nothing is visible any more.
	Value json.RawMessage
}

// A WatchOption says where a Watch begins.
type WatchOption func(*watchOptions)

type watchOptions struct {
	// since finds where to begin in a snapshot; nil stands for its end.
	since func(*snap) (at position, known bool, err error)
	// cursor is what it reads.
	cursor Cursor
}

// Since begins a Watch behind the event that a cursor is from. A cursor that means nothing in this database any more
// begins with a Reset.
func Since(c Cursor) WatchOption {
	return func(o *watchOptions) {
		o.since, o.cursor = func(s *snap) (position, bool, error) { return s.positionOf(c) }, c
	}
}

// Watch yields every version that is applied from now on, or Since a cursor, and that touches a key starting with prefix:
// local and remote ones, of this process and of others that have the database open, in the order of application, with the
// changes of those keys. The events from a cursor on, replayed over what there was at that cursor, give what there is now. A
// change of a namespace's strategy also tells of the keys that show something else because of it.
//
// It ends with ctx, with its error, or when the replica is closed, after what happened before. A watcher that does not
// keep up is told everything later; nothing is dropped. Commits of other processes are noticed within a tenth of a second.
func (r *Replica) Watch(ctx context.Context, prefix string, opts ...WatchOption) iter.Seq2[Event, error] {
	var o watchOptions
	for _, opt := range opts {
		opt(&o)
	}
	start, err := r.watchFrom(ctx, prefix, o)
	return func(yield func(Event, error) bool) {
		if err != nil {
			yield(Event{}, err)
			return
		}
		w := *start
		beat, quit := r.listen()
		defer quit()
		for open := true; ; {
			events, more, err := w.read(ctx)
			if err == nil {
				err = ctx.Err()
			}
			if errors.Is(err, store.ErrClosed) && !open {
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			switch {
			case err != nil:
				yield(Event{}, err)
				return
			case more:
			case !open:
				return
			default:
				select {
				case _, open = <-beat: // closed with the replica: then comes a last look
				case <-ctx.Done():
				}
			}
		}
	}
}

// watcher is where one Watch is in the versions of a database.
type watcher struct {
	r      *Replica
	prefix string
	at     position
	// epoch is that of the database in which the position was right.
	epoch uint64
	// told is the cursor of the events of a listing, which is not one that the Watch could go on from before its end.
	told Cursor
	// listing says that what is there is being told, after the key after.
	listing bool
	after   string
}

// What one look reads at most, in versions and keys, and in bytes of values: while it reads it holds a snapshot, and what it
// read it holds in memory.
const (
	maxWatchLook  = 256
	maxWatchBytes = 1 << 20
)

// watchFrom is a watcher where the options say.
func (r *Replica) watchFrom(ctx context.Context, prefix string, o watchOptions) (*watcher, error) {
	w := &watcher{r: r, prefix: prefix}
	err := r.view(ctx, func(s *snap) (err error) {
		w.epoch = s.tip.epoch
		if o.since == nil {
			w.at, err = s.end()
			return err
		}
		var known bool
		w.at, known, err = o.since(s)
		w.listing, w.told = !known, o.cursor
		return err
	})
	return w, err
}

// read returns what comes next, and whether there may be more at once.
func (w *watcher) read(ctx context.Context) (events []Event, more bool, err error) {
	err = w.r.look(ctx, func(s *snap) error {
		if w.epoch == s.tip.epoch && w.at.next == s.tip.next && w.at.erased == s.tip.erased && !w.listing {
			return nil
		}
		db, err := s.database()
		if err != nil {
			return err
		}
		if w.epoch != s.tip.epoch {
			known, err := s.knows(w.at)
			if err != nil {
				return err
			}
			if w.epoch = s.tip.epoch; !known {
				w.told, w.listing, w.after = w.at.cursor(db), true, ""
			}
		}
		more = true
		switch {
		case w.listing:
			events, err = w.list(s, db)
		case w.at.next < s.tip.next:
			events, err = w.follow(s, db)
		default:
			events, err = w.erased(s, db)
		}
		return err
	})
	return events, more, err
}

// list tells what is there, a part at a time. What changes meanwhile is told behind it.
func (w *watcher) list(s *snap, db uint32) (events []Event, err error) {
	if w.after == "" {
		if w.at, err = s.end(); err != nil {
			return nil, err
		}
		events = append(events, Event{Reset: true, Cursor: w.told})
	}
	size := 0
	for row, err := range s.docs(w.prefix, w.after) {
		if err != nil {
			return events, err
		}
		if len(events) >= maxWatchLook || size >= maxWatchBytes {
			return events, nil
		}
		w.after = string(row.Key)
		doc, err := store.DecodeDoc(slices.Clone(row.Value))
		if err != nil {
			return events, err
		}
		if !doc.Visible() {
			continue
		}
		if err := s.showSequence(w.after, &doc); err != nil {
			return events, err
		}
		at, err := s.rowStamp(&doc)
		if err != nil {
			return events, err
		}
		size += len(doc.Value)
		events = append(events, s.event(at, []Change{{Key: w.after, Value: doc.Value}}, w.told))
	}
	w.listing = false
	if len(events) > 0 {
		events[len(events)-1].Cursor = w.at.cursor(db)
	}
	return events, nil
}

// follow reads the versions behind the position, of which there are some.
func (w *watcher) follow(s *snap, db uint32) (events []Event, err error) {
	for read, size := 0, 0; w.at.next < s.tip.next; {
		row, err := s.runAt(w.at.next, wholeRow)
		if err == nil && (len(row) == 0 || row[len(row)-1].lv < w.at.next) {
			err = fmt.Errorf("%w: no run holds version %d", store.ErrCorrupt, w.at.next)
		}
		if err != nil {
			return events, err
		}
		for i := range row {
			v := &row[i]
			if v.lv < w.at.next {
				continue
			}
			if read++; read > maxWatchLook || size > maxWatchBytes {
				return events, nil
			}
			changes, err := w.changes(s, v)
			if err != nil {
				return events, err
			}
			for i := range changes {
				size += len(changes[i].Value)
			}
			if w.at.pass(v); len(changes) > 0 {
				events = append(events, s.event(v.Stamp(), changes, w.at.cursor(db)))
			}
		}
	}
	return events, nil
}

// event is what a version did.
func (s *snap) event(at clock.Stamp, changes []Change, behind Cursor) Event {
	own := s.tip.own.seq > 0 && s.lines[s.tip.own.line].Author == at.Author
	return Event{Version: Version{Stamp: at}, Remote: !own, Changes: changes, Cursor: behind}
}

// changes are the watched keys that a version touched, and what they show.
func (w *watcher) changes(s *snap, v *stored) ([]Change, error) {
	var keys []string
	for _, touched := range v.keys {
		if w.wants(touched.key) {
			keys = append(keys, touched.key)
		}
		ns, isStrategy := strings.CutPrefix(touched.key, strategyPrefix)
		if !isStrategy || !strings.HasPrefix(ns+"/", w.prefix) && !strings.HasPrefix(w.prefix, ns+"/") {
			continue
		}
		merged, err := s.mergedKeys(ns + "/")
		if err != nil {
			return nil, err
		}
		for _, key := range merged {
			if w.wants(key) && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return s.changesOf(keys)
}

// erased tells of the erasures that became known since the position and whose versions have not come.
func (w *watcher) erased(s *snap, db uint32) (events []Event, err error) {
	for row, err := range s.tx.Scan(store.Erasures, store.Range{From: []byte{aheadRow}, KeysOnly: true}) {
		if err != nil {
			return events, err
		}
		of, _ := entryIn(row.Key[1:])
		p, err := s.proofOf(of)
		if err != nil {
			return events, err
		}
		if p.known <= w.at.erased {
			continue
		}
		changes, err := s.changesOf(w.keysOf(&p))
		if err != nil {
			return events, err
		}
		if len(changes) > 0 {
			events = append(events, s.event(p.Stamp(), changes, w.at.cursor(db)))
		}
	}
	w.at.erased = s.tip.erased
	if n := len(events); n > 0 {
		events[n-1].Cursor = w.at.cursor(db)
	}
	return events, nil
}

// keysOf are the watched keys that an erasure names.
func (w *watcher) keysOf(p *proof) []string {
	keys := make(map[string]bool)
	for key := range p.Targets() {
		if w.wants(key) {
			keys[key] = true
		}
	}
	return sortedKeys(keys)
}

// changesOf are keys with what they show.
func (s *snap) changesOf(keys []string) ([]Change, error) {
	changes := make([]Change, len(keys))
	for i, key := range keys {
		value, err := s.shownJSON(key)
		if err != nil {
			return nil, err
		}
		changes[i] = Change{Key: key, Value: value}
	}
	return changes, nil
}

// wants reports whether a key is watched. kdelta's own must be asked for.
func (w *watcher) wants(key string) bool {
	return strings.HasPrefix(key, w.prefix) && (key[0] != '.' || w.prefix != "")
}

// shownJSON is a copy of what a key shows, nil where it shows nothing.
func (s *snap) shownJSON(key string) (json.RawMessage, error) {
	b, err := s.tx.Get(store.Docs, []byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := store.DecodeDoc(b)
	if err == nil {
		err = s.showSequence(key, &doc)
	}
	return slices.Clone(doc.Value), err
}
