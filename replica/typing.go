package replica

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
)

// What is typed into a text, or done to a list, is there at once, and in a version only later: a keystroke is not worth a
// commit. Both are called typed here. Until then it has the dots that it will have if nobody else writes meanwhile. The replica
// sees to that: each of its transactions begins with the version of what was typed (queue.go). If another process has written,
// what was typed is an op whose author saw what there was when the typing began, and what that does to the text as it is now is
// what is written (rebase).

// Typing says when what was typed into a Text, or done to an Array, becomes a version by itself; zero fields stand for the
// values that they name. It does so in any case before anything else is written or applied by the replica, before anything is
// handed to a peer, and with Commit and Close.
type Typing struct {
	// Bytes is how much text, or bytes of elements, and how many removals wait at most: 4096.
	Bytes int
	// Rest is for how long nothing must have been typed: one second. Less than 0 means that it is left to the other reasons.
	Rest time.Duration
}

const (
	defaultTypedBytes = 4 << 10
	defaultTypedRest  = time.Second
)

// typed is what was typed and is in no version yet.
type typed struct {
	// edits come one after the other.
	edits []edit
	// bytes is how much they say, dots how many they own, end the position behind what the last one inserted.
	bytes, end int
	dots       uint64
	// base is what there was when the first was typed, first the dot that it has.
	base    Frontier
	first   sequence.Dot
	message string
	// doubt is the version that a commit made of the first doubtful edits, which failed. It may be there all the same.
	doubt    Version
	doubtful int
}

// landing is what a commit has written that is not durable yet.
type landing struct {
	d       *document
	typed   typed
	written Version
}

// heads are the versions that nothing covers: with what they cover they are all there is.
func (s *snap) heads() Frontier {
	f := make(Frontier, len(s.tip.heads))
	for i, h := range s.tip.heads {
		f[i] = Version{Stamp: clock.Stamp{Time: h.time, Author: s.lines[h.line].Author, Seq: h.seq, ID: h.id}}
	}
	return f
}

// nextDot is the dot that this database writes next: its author may be none yet.
func (s *snap) nextDot() sequence.Dot {
	own := s.tip.own
	if own.seq == 0 || int(own.line) >= len(s.lines) {
		return sequence.Dot{Seq: 1}
	}
	row := s.lines[own.line]
	return sequence.Dot{Author: row.Author, Branch: branchOf(own.line, row), Seq: own.seq + 1}
}

// begin says what is typed next is based on: a snapshot that has no version on the key that the document has not, or the version
// that was just made of what was typed before, which covered all that there was. It reports false for a snapshot from before.
func (d *document) begin(s *snap, last history.LV) bool {
	switch {
	case d.era == s.tip.era() && d.last <= last:
		d.typed = typed{base: s.heads(), first: s.nextDot()}
	case d.writtenAt == d.last && d.writtenIn == d.era && d.last > 0:
		d.goOn()
	default:
		return false
	}
	return true
}

// goOn bases what is typed next on the version that was just made.
func (d *document) goOn() { d.typed = typed{base: Frontier{d.written}, first: d.next} }

// typeIn does an edit to the document.
func (d *document) typeIn(e *edit) error {
	if !d.visible() {
		// What is left of one that was deleted goes before a new one begins.
		if err := newContent(d.kind, nil).edit(sequence.Dot{Seq: 1}, e); err != nil {
			return err
		}
		if e.width() == 0 {
			return nil
		}
		if n := d.content.Len(); n > 0 {
			if err := d.add(&edit{ListEdit: sequence.ListEdit{Removed: n}}); err != nil {
				return err
			}
		}
	}
	if err := d.add(e); err != nil {
		return err
	}
	d.shows = d.kind
	return nil
}

func (d *document) add(e *edit) error {
	dot := d.typed.first
	dot.Seq += d.typed.dots
	if err := d.content.edit(dot, e); err != nil {
		return err
	}
	if e.width() > 0 {
		d.typed.add(e)
	}
	return nil
}

// add adds an edit, as part of the last one where it goes on there: that is the same events with the same dots, but for the
// order in which a run of elements was removed, which nobody can see.
func (t *typed) add(e *edit) {
	t.dots += uint64(e.width())
	t.bytes += e.size()
	if n := len(t.edits); n == t.doubtful || !t.edits[n-1].join(e, t.end) {
		t.edits = append(t.edits, *e)
	}
	t.end = e.Pos + e.inserted()
}

// rebase takes what was typed to the document as it is at a version on the key, with dots from first on.
func (t *documents) rebase(s *snap, d *document, last history.LV, first sequence.Dot) error {
	before := d.shown().value()
	if err := d.settle(s); err != nil {
		return err
	}
	edits, err := s.onTop(d.docID, last, d.typed.base, d.typed.edits)
	if err != nil {
		return err
	}
	fresh, err := s.openDocument(d.docID, last)
	if err != nil {
		return err
	}
	others := replaced(fresh.content, d.content, int(d.typed.dots))
	message := d.typed.message
	t.replace(d, fresh)
	d.typed = typed{base: s.heads(), first: first, message: message}
	for i := range edits {
		if err := d.add(&edits[i]); err != nil {
			d.stale = true
			return err
		}
	}
	d.tell(nil, turned(before, d.shown().value(), append(others, edits...)))
	return nil
}

// settle drops what was typed and is in a version after all, though its commit was said to have failed.
func (d *document) settle(s *snap) error {
	t := &d.typed
	if t.doubt.IsZero() {
		return nil
	}
	switch _, err := t.doubt.resolve(s); {
	case err == nil:
		t.edits, t.base = t.edits[t.doubtful:], Frontier{t.doubt}
	case !errors.Is(err, ErrPoint):
		return err
	}
	t.doubt, t.doubtful = Version{}, 0
	return nil
}

// onTop is what edits do to a document as it is at a version on its key, when their author saw what a frontier holds and wrote
// them right after that.
func (s *snap) onTop(id docID, last history.LV, base Frontier, edits []edit) (all []edit, err error) {
	p, err := base.resolve(s)
	if err != nil {
		return nil, err
	}
	d, err := s.openDocument(id, last)
	if err != nil {
		return nil, err
	}
	if err := d.lineage.see(s, p); err != nil {
		return nil, err
	}
	dot := s.nextDot()
	dot.Branch, dot.Seq = unwritten, 1
	for i := range edits {
		var done []edit
		err := d.withPast(s, func() (err error) { done, err = d.content.apply(dot, &edits[i]); return err })
		if err != nil {
			return nil, err
		}
		all = append(all, done...)
		dot.Seq += uint64(edits[i].width())
	}
	return all, nil
}

// land makes versions of what was typed.
func (t *documents) land(c *commit) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.typing) == 0 {
		return nil
	}
	return t.write(c)
}

// writeTyped is the documents' write, which goes past those that fail by themselves. Their lock is held.
func (c *commit) writeTyped() error {
	t, failed := &c.r.documents, new(unlanded)
	for i := 0; i < len(t.typing); {
		d := t.typing[i]
		err := c.writeTypedOf(d)
		if err == nil {
			t.typing = slices.Delete(t.typing, i, i+1)
			continue
		}
		err = fmt.Errorf("what was typed into %s: %w", d.key, err)
		if c.broken != nil {
			return err
		}
		failed.add(d.docID, err)
		i++
	}
	if len(failed.ids) > 0 {
		return failed
	}
	return nil
}

// unlanded says into which documents something was typed that makes no version, while that of others did.
type unlanded struct {
	ids  []docID
	errs []error
}

func (u *unlanded) add(id docID, err error) { u.ids, u.errs = append(u.ids, id), append(u.errs, err) }

func (u *unlanded) Error() string { return errors.Join(u.errs...).Error() }

func (u *unlanded) Unwrap() []error { return u.errs }

// ofDocument is what an error of a commit of all that was typed says of one document.
func ofDocument(id docID, err error) error {
	var u *unlanded
	if !errors.As(err, &u) {
		return err
	}
	if i := slices.Index(u.ids, id); i >= 0 {
		return u.errs[i]
	}
	return nil
}

func (c *commit) writeTypedOf(d *document) error {
	if err := c.ensureAuthor(); err != nil {
		return err
	}
	t, s := &c.r.documents, c.snap()
	last, shows, err := s.standing(d.key)
	if err == nil {
		err = d.editable(shows)
	}
	if err != nil {
		return err
	}
	if _, err := c.joinHeads(); err != nil { // its dots come behind those of the versions that join heads
		return err
	}
	s = c.snap()
	next := sequence.Dot{Author: c.author.key.Author(), Seq: c.tip.own.seq + 1}
	next.Branch = branchOf(c.author.line, c.lines[c.author.line])
	if d.stale || d.era != c.tip.era() || d.last != last || d.typed.first != next {
		if err := t.rebase(s, d, last, next); err != nil {
			return err
		}
	}
	tx := &Tx{c: c}
	if err := tx.edits(d.docID, d.typed.edits); err != nil {
		return err
	}
	parts, err := splitOps(tx.ops, len(d.typed.message))
	if err != nil {
		return err
	}
	for i, ops := range parts {
		if d.written, err = c.write(ops, history.Meta{Message: d.typed.message}); err != nil {
			if i > 0 {
				return c.fail(err)
			}
			return err
		}
		d.last = c.tip.next - 1
	}
	d.era, d.writtenAt, d.writtenIn = c.tip.era(), d.last, c.tip.era()
	d.next = c.snap().nextDot()
	d.tail += d.typed.bytes + len(parts)*minStaged
	t.landing = append(t.landing, landing{d, d.typed, d.written})
	d.typed = typed{}
	if d.due() {
		return c.fail(c.keepSequence(d))
	}
	return nil
}

// typedElsewhere reports whether something was typed into another document than one.
func (t *documents) typedElsewhere(id docID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.typing, func(d *document) bool { return d.docID != id })
}

// discard drops what was typed into a document.
func (t *documents) discard(d *document) {
	d.typed, d.stale = typed{}, true
	t.typing = slices.DeleteFunc(t.typing, func(o *document) bool { return o == d })
	for _, w := range d.watchers {
		w.nudge()
	}
}

// expire has what is open of a key read anew.
func (t *documents) expire(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.open {
		if d.key == key {
			d.stale = true
		}
	}
}

// landed forgets what was needed to take a commit back.
func (t *documents) landed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.landing = nil
}

// rollback takes back what a commit wrote that failed: it is typed again, and what is open is read anew.
func (t *documents) rollback() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.open {
		d.stale = true
	}
	for _, l := range slices.Backward(t.landing) {
		d := l.d
		later := d.typed.edits
		d.typed, d.stale = l.typed, true
		d.typed.doubt, d.typed.doubtful = l.written, len(l.typed.edits)
		d.typed.edits = append(d.typed.edits, later...)
		if !slices.Contains(t.typing, d) {
			t.typing = append(t.typing, d)
		}
	}
	t.landing = nil
}
