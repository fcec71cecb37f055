package replica

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// documents are the texts and lists that are open: those that were read or written last. Its lock is taken inside of
// transactions, and nobody begins one while holding it.
type documents struct {
	mu   sync.Mutex
	open map[docID]*document
	// size is about how many bytes those that are open take, uses counts how often one was taken.
	size int
	uses uint64
	// typing are those with edits that are in no version yet, landing what the running commit has written of them.
	typing  []*document
	landing []landing
	// write makes versions of what was typed. Whoever types brings it, so that a small program in which nobody does has none of it.
	write func(*commit) error
	// timer commits what was typed when nothing has been for a while; resting counts those that do.
	timer   *time.Timer
	resting sync.WaitGroup
	closed  bool
	// written are the keys, and what they show, that were written since somebody looked whether it is time for a snapshot.
	written map[string]crdt.Kind
}

// maxDocuments bounds the bytes of those that stay open, less those that somebody watches or types into.
const maxDocuments = 32 << 20

// take returns a document as the versions on its key up to one say, for reading: one that is open, where it can be that one.
// shows is what the key shows at that version.
func (t *documents) take(s *snap, id docID, last history.LV, shows crdt.Kind) (*document, error) {
	d := t.open[id]
	switch {
	case d != nil && !d.ahead() && !d.stale && d.era == s.tip.era() && d.last == last:
	case s.changed != nil || d != nil && (d.ahead() || !d.stale && !d.behind(s, last)):
		return s.openDocument(id, last) // what a commit has not made durable yet is nobody else's, and the past is of its own
	case d == nil:
		return t.enter(s, id, last, shows)
	default:
		if err := t.renew(s, d, last, shows); err != nil {
			return nil, err
		}
	}
	t.use(d)
	return d, nil
}

// enter opens a document and keeps it open.
func (t *documents) enter(s *snap, id docID, last history.LV, shows crdt.Kind) (*document, error) {
	d, err := s.openDocument(id, last)
	if err != nil {
		return nil, err
	}
	d.shows = shows
	if t.open == nil {
		t.open = make(map[docID]*document)
	}
	t.open[id] = d
	t.use(d)
	t.measure(d)
	return d, nil
}

// present returns a document as it is now, with what was typed, and the newest version on the key that the snapshot has.
func (t *documents) present(s *snap, id docID) (d *document, last history.LV, err error) {
	last, shows, err := s.standing(id.key)
	if err != nil {
		return nil, 0, err
	}
	d = t.open[id]
	switch {
	case d == nil:
		d, err = t.enter(s, id, last, shows)
	case d.ahead():
		if d.stale || d.behind(s, last) {
			err = t.rebase(s, d, last, s.nextDot())
		}
	case d.stale || d.behind(s, last) || d.era == s.tip.era() && d.last == last:
		err = t.renew(s, d, last, shows)
	}
	if err != nil {
		return nil, 0, err
	}
	t.use(d)
	return d, last, id.editable(d.shows)
}

// editable is nil if a key that shows a kind can be edited as this document.
func (id docID) editable(shows crdt.Kind) error {
	if shows == crdt.KindNone || shows == id.kind {
		return nil
	}
	return wrongKind(id.key, shows, "a "+string(id.kind)+"'s edits")
}

// standing is the newest version on a key, and the kind that the key shows.
func (s *snap) standing(key string) (history.LV, crdt.Kind, error) {
	if e := s.changed[key]; e != nil && e.dirty {
		view, err := s.viewOf(key, e.state, nil)
		return history.LV(e.row.Last), view.Kind, err
	}
	b, err := s.tx.Get(store.Docs, []byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return 0, crdt.KindNone, nil
	}
	if err != nil {
		return 0, crdt.KindNone, err
	}
	row, err := store.DecodeDoc(b)
	return history.LV(row.Last), crdt.Kind(row.Kind), err
}

// documentNow opens a document as the snapshot has it, of its own.
func (s *snap) documentNow(id docID) (*document, error) {
	last, shows, err := s.standing(id.key)
	if err != nil {
		return nil, err
	}
	d, err := s.openDocument(id, last)
	if err != nil {
		return nil, err
	}
	d.shows = shows
	return d, nil
}

// ahead reports whether the document has more than its versions.
func (d *document) ahead() bool { return len(d.typed.edits) > 0 }

// behind reports whether a snapshot of the database knows more of the document than it has.
func (d *document) behind(s *snap, last history.LV) bool {
	return d.era < s.tip.era() || d.era == s.tip.era() && d.last < last
}

// renew brings a document that nobody edits to what a snapshot has of it, and tells who watches.
func (t *documents) renew(s *snap, d *document, last history.LV, shows crdt.Kind) error {
	if d.stale || d.era != s.tip.era() {
		before := d.shown().value()
		fresh, err := s.openDocument(d.docID, last)
		if err != nil {
			return err
		}
		others := replaced(fresh.content, d.content, 0)
		t.replace(d, fresh)
		d.shows = shows
		d.tell(nil, turned(before, d.shown().value(), others))
		return nil
	}
	length, was := d.shown().Len(), d.visible()
	edits, err := d.advance(s, last)
	if err != nil {
		d.stale = true
		return err
	}
	d.shows = shows
	switch is := d.visible(); {
	case was && is:
		d.tell(nil, edits)
	case was && length > 0:
		d.tell(nil, []edit{{ListEdit: sequence.ListEdit{Removed: length}}})
	case is:
		d.tell(nil, between(nil, d.content.value()))
	}
	t.measure(d)
	return nil
}

// replace makes a document what another one of the same place is.
func (t *documents) replace(d, fresh *document) {
	d.content, d.lineage, d.last, d.era, d.stale = fresh.content, fresh.lineage, fresh.last, fresh.era, false
	d.kept, d.tail, d.opened = fresh.kept, fresh.tail, fresh.opened
	t.measure(d)
}

// visible reports whether the key shows the document.
func (d *document) visible() bool { return d.shows == d.kind }

// shown is what the key shows of the document: nothing where it was deleted, whatever its versions come to.
func (d *document) shown() content {
	if !d.visible() {
		return newContent(d.kind, nil)
	}
	return d.content
}

func (t *documents) use(d *document) {
	t.uses++
	d.used = t.uses
}

// measure notes how large a document is now, and lets others go where all take too much.
func (t *documents) measure(d *document) {
	if t.open[d.docID] != d {
		return
	}
	size := 4<<10 + d.content.weight()
	t.size += size - d.size
	d.size = size
	for t.size > maxDocuments {
		var oldest *document
		for _, o := range t.open {
			if o != d && !o.ahead() && len(o.watchers) == 0 && (oldest == nil || o.used < oldest.used) {
				oldest = o
			}
		}
		if oldest == nil {
			return
		}
		delete(t.open, oldest.docID)
		t.size -= oldest.size
	}
}

// sequenceAt runs fn with what a text or a list is at a point that shows it. fn must not keep it.
func (s *snap) sequenceAt(id docID, p point, fn func(content)) error {
	last, shows, err := s.standing(id.key)
	if err != nil {
		return err
	}
	if s.held != nil { // who holds what is open may be waiting for the graph, so who holds that does not wait for him
		d, err := s.openDocument(id, last)
		if err != nil {
			return err
		}
		return d.contentAt(s, p, fn)
	}
	t := &s.r.documents
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.take(s, id, last, shows)
	if err != nil {
		return err
	}
	defer t.measure(d)
	return d.contentAt(s, p, fn)
}

// contentAt runs fn with what the document is at a point.
func (d *document) contentAt(s *snap, p point, fn func(content)) error {
	then := d.content
	if p.before == 0 || p.before <= d.last {
		var err error
		if then, err = d.at(s, p); err != nil {
			return err
		}
	}
	fn(then)
	return nil
}

// now is the point of all that a snapshot has.
func (s *snap) now() point { return point{before: s.tip.next} }

// showSequence gives a row of a key that shows a text or a list its value.
func (s *snap) showSequence(key string, row *store.Doc) error {
	kind := crdt.Kind(row.Kind)
	if !kind.IsSequence() {
		return nil
	}
	value, err := s.readSequence(docID{key, kind}, s.now())
	if err == nil {
		row.Value = value.AppendJSON(nil)
	}
	return err
}

// showSequenceIn gives a view of a key that shows a text or a list at a point its value.
func (s *snap) showSequenceIn(key string, view *crdt.View, p point) (err error) {
	if view.Kind.IsSequence() {
		view.Value, err = s.readSequence(docID{key, view.Kind}, p)
	}
	return err
}

// shownAt is what a key showed at a point, a text or a list with its value.
func (s *snap) shownAt(key string, p point) (crdt.View, error) {
	view, err := s.viewAt(key, p, nil)
	if err == nil {
		err = s.showSequenceIn(key, &view, p)
	}
	return view, err
}

// shown is what the transaction sees of a key, a text or a list with its value.
func (tx *Tx) shown(key string) (crdt.View, error) {
	view, err := tx.view(key)
	if err != nil || !view.Kind.IsSequence() {
		return view, err
	}
	if !tx.wrote(key) {
		s := tx.c.snap()
		err = s.showSequenceIn(key, &view, s.now())
		return view, err
	}
	d, err := tx.draft(docID{key, view.Kind})
	if err == nil {
		view.Value = d.content.value()
	}
	return view, err
}

// shows reports whether a view shows anything.
func shows(view *crdt.View) bool { return view.Value != nil || view.Kind.IsSequence() }

func (s *snap) readSequence(id docID, p point) (canon.Value, error) {
	var value canon.Value
	if err := s.sequenceAt(id, p, func(c content) { value = c.value() }); err != nil {
		return nil, fmt.Errorf("%s: %w", id.key, err)
	}
	return value, nil
}
