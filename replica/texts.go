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

// texts are the texts that are open: those that were read or written last. Its lock is taken inside of transactions, and
// nobody begins one while holding it.
type texts struct {
	mu   sync.Mutex
	open map[string]*document
	// size is about how many bytes the open texts take, uses counts how often one was taken.
	size int
	uses uint64
	// typing are the texts with splices that are in no version yet, landing what the running commit has written of them.
	typing  []*document
	landing []landing
	// timer commits what was typed when nothing has been for a while; resting counts those that do.
	timer   *time.Timer
	resting sync.WaitGroup
	closed  bool
	// written are the keys of texts that were written since somebody looked whether it is time for a snapshot of them.
	written map[string]bool
}

// maxTexts bounds the bytes of the texts that stay open, less those that somebody watches or types into.
const maxTexts = 32 << 20

// take returns a key's text as its versions up to one say, for reading: one that is open, where it can be that one.
func (t *texts) take(s *snap, key string, last history.LV, kind crdt.Kind) (*document, error) {
	d := t.open[key]
	switch {
	case d != nil && !d.ahead() && !d.stale && d.era == s.tip.era() && d.last == last:
	case s.changed != nil || d != nil && (d.ahead() || !d.stale && !d.behind(s, last)):
		return s.openText(key, last) // what a commit has not made durable yet is nobody else's, and the past is of its own
	case d == nil:
		return t.enter(s, key, last, kind)
	default:
		if err := t.renew(s, d, last, kind); err != nil {
			return nil, err
		}
	}
	t.use(d)
	return d, nil
}

// enter opens a text and keeps it open.
func (t *texts) enter(s *snap, key string, last history.LV, kind crdt.Kind) (*document, error) {
	d, err := s.openText(key, last)
	if err != nil {
		return nil, err
	}
	d.kind = kind
	if t.open == nil {
		t.open = make(map[string]*document)
	}
	t.open[key] = d
	t.use(d)
	t.measure(d)
	return d, nil
}

// present returns a key's text as it is now, with what was typed, and the newest version on the key that the snapshot has.
func (t *texts) present(s *snap, key string) (d *document, last history.LV, err error) {
	last, kind, err := s.textPlace(key)
	if err != nil {
		return nil, 0, err
	}
	d = t.open[key]
	switch {
	case d == nil:
		d, err = t.enter(s, key, last, kind)
	case d.ahead():
		if d.stale || d.behind(s, last) {
			err = t.rebase(s, d, last, s.nextDot())
		}
	case d.stale || d.behind(s, last) || d.era == s.tip.era() && d.last == last:
		err = t.renew(s, d, last, kind)
	}
	if err != nil {
		return nil, 0, err
	}
	t.use(d)
	if d.kind != crdt.KindNone && d.kind != crdt.KindText {
		return nil, 0, wrongKind(key, d.kind, "a text's edits")
	}
	return d, last, nil
}

// textPlace is the newest version on a key, and the kind that the key shows.
func (s *snap) textPlace(key string) (history.LV, crdt.Kind, error) {
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

// ahead reports whether the text has more than its versions.
func (d *document) ahead() bool { return len(d.typed.splices) > 0 }

// behind reports whether a snapshot of the database knows more of the text than it has.
func (d *document) behind(s *snap, last history.LV) bool {
	return d.era < s.tip.era() || d.era == s.tip.era() && d.last < last
}

// renew brings a text into which nobody types to what a snapshot has of it, and tells who watches.
func (t *texts) renew(s *snap, d *document, last history.LV, kind crdt.Kind) error {
	before := d.shown()
	wasKind := d.kind
	var edits []sequence.Edit
	if d.stale || d.era != s.tip.era() {
		text := before.String()
		fresh, err := s.openText(d.key, last)
		if err != nil {
			return err
		}
		t.replace(d, fresh)
		d.kind = kind
		d.tell(nil, between(text, d.shown().String()))
		return nil
	}
	length := before.Len()
	edits, err := d.advance(s, last)
	if err != nil {
		d.stale = true
		return err
	}
	d.kind = kind
	switch was, is := wasKind == crdt.KindText, kind == crdt.KindText; {
	case was && is:
		d.tell(nil, edits)
	case was && length > 0:
		d.tell(nil, []sequence.Edit{{Removed: length}})
	case is && d.text.Len() > 0:
		d.tell(nil, []sequence.Edit{{Text: d.text.String()}})
	}
	t.measure(d)
	return nil
}

// replace makes a text what another one of the same key is.
func (t *texts) replace(d, fresh *document) {
	d.text, d.lineage, d.last, d.era, d.stale = fresh.text, fresh.lineage, fresh.last, fresh.era, false
	d.kept, d.tail, d.opened = fresh.kept, fresh.tail, fresh.opened
	t.measure(d)
}

// shown is the text that the key shows: nothing where it was deleted, whatever its versions come to.
func (d *document) shown() *sequence.Text {
	if d.kind != crdt.KindText {
		return sequence.NewText(nil)
	}
	return d.text
}

func (t *texts) use(d *document) {
	t.uses++
	d.used = t.uses
}

// measure notes how large a text is now, and lets others go where all take too much.
func (t *texts) measure(d *document) {
	if t.open[d.key] != d {
		return
	}
	size := 4<<10 + 4*d.text.LenBytes() + 4*d.text.Log().Events()
	t.size += size - d.size
	d.size = size
	for t.size > maxTexts {
		var oldest *document
		for _, o := range t.open {
			if o != d && !o.ahead() && len(o.watchers) == 0 && (oldest == nil || o.used < oldest.used) {
				oldest = o
			}
		}
		if oldest == nil {
			return
		}
		delete(t.open, oldest.key)
		t.size -= oldest.size
	}
}

// textAt runs fn with what the text of a key is at a point that shows it. fn must not keep it.
func (s *snap) textAt(key string, p point, fn func(*sequence.Text)) error {
	last, kind, err := s.textPlace(key)
	if err != nil {
		return err
	}
	t := &s.r.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.take(s, key, last, kind)
	if err != nil {
		return err
	}
	text := d.text
	if p.before == 0 || p.before <= last {
		if text, err = d.at(s, p); err != nil {
			return err
		}
		t.measure(d)
	}
	fn(text)
	return nil
}

// now is the point of all that a snapshot has.
func (s *snap) now() point { return point{before: s.tip.next} }

// showText gives a row of a key that shows a text its value.
func (s *snap) showText(key string, row *store.Doc) error {
	if crdt.Kind(row.Kind) != crdt.KindText {
		return nil
	}
	value, err := s.textValue(key, s.now())
	if err == nil {
		row.Value = value.AppendJSON(nil)
	}
	return err
}

// showTextIn gives a view of a key that shows a text at a point its value.
func (s *snap) showTextIn(key string, view *crdt.View, p point) (err error) {
	if view.Kind == crdt.KindText {
		view.Value, err = s.textValue(key, p)
	}
	return err
}

// shownAt is what a key showed at a point, a text with its value.
func (s *snap) shownAt(key string, p point) (crdt.View, error) {
	view, err := s.viewAt(key, p, nil)
	if err == nil {
		err = s.showTextIn(key, &view, p)
	}
	return view, err
}

// shown is what the transaction sees of a key, a text with its value.
func (tx *Tx) shown(key string) (crdt.View, error) {
	view, err := tx.view(key)
	if err == nil {
		s := tx.c.snap()
		err = s.showTextIn(key, &view, s.now())
	}
	return view, err
}

// shows reports whether a view shows anything.
func shows(view *crdt.View) bool { return view.Value != nil || view.Kind == crdt.KindText }

func (s *snap) textValue(key string, p point) (canon.Value, error) {
	var value canon.Value
	err := s.textAt(key, p, func(text *sequence.Text) { value = canon.AppendString(nil, text.String()) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return value, nil
}

// between is what takes one text to another: what differs in the middle, as one edit.
func between(old, new string) []sequence.Edit {
	if old == new {
		return nil
	}
	a, b := []rune(old), []rune(new)
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	a, b = a[head:], b[head:]
	tail := 0
	for tail < min(len(a), len(b)) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return []sequence.Edit{{Pos: head, Removed: len(a) - tail, Text: string(b[:len(b)-tail])}}
}
