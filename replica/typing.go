package replica

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
)

// What is typed into a text is in the text at once, and in a version only later: a keystroke is not worth a commit. Until
// then it has the dots that it will have if nobody else writes meanwhile. The replica sees to that: each of its transactions
// begins with the version of what was typed (queue.go). If another process has written, what was typed is an op whose author
// saw what there was when the typing began, and what that does to the text as it is now is what is written (rebase).

// Typing says when what was typed becomes a version by itself; zero fields stand for what they say. It does so in any case
// before anything else is written or applied by the replica, before anything is handed to a peer, and with Commit and Close.
type Typing struct {
	// Bytes is how much text and how many removals wait at most: 4096.
	Bytes int
	// Rest is for how many milliseconds nothing must have been typed: 1000. Less than 0 means that it is left to the other
	// reasons.
	Rest int
}

const (
	defaultTypedBytes = 4 << 10
	defaultTypedRest  = 1000
)

// typed is what was typed and is in no version yet.
type typed struct {
	// splices come one after the other.
	splices []sequence.Splice
	// bytes is how much they say, dots how many they own, end the position behind what the last one inserted.
	bytes, end int
	dots       uint64
	// base is what there was when the first was typed, first the dot that it has.
	base    Frontier
	first   sequence.Dot
	message string
	// doubt is the version that a commit made of the first doubtful splices, which failed. It may be there all the same.
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

// begin says what is typed next is based on: a snapshot that has no version on the key that the text has not, or the version
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

// typeIn does a splice to the text.
func (d *document) typeIn(sp sequence.Splice) error {
	if d.kind != crdt.KindText {
		// What is left of a text that was deleted goes before a new one begins.
		if err := sequence.NewText(nil).Splice(sequence.Dot{Seq: 1}, sp); err != nil {
			return err
		}
		if sp.Width() == 0 {
			return nil
		}
		if n := d.text.Len(); n > 0 {
			if err := d.add(sequence.Splice{Removed: n}); err != nil {
				return err
			}
		}
	}
	if err := d.add(sp); err != nil {
		return err
	}
	d.kind = crdt.KindText
	return nil
}

func (d *document) add(sp sequence.Splice) error {
	dot := d.typed.first
	dot.Seq += d.typed.dots
	if err := d.text.Splice(dot, sp); err != nil {
		return err
	}
	if sp.Width() > 0 {
		d.typed.add(sp)
	}
	return nil
}

// add adds a splice, as part of the last one where it goes on there: that is the same events with the same dots, but for the
// order in which a run of elements was removed, which nobody can see.
func (t *typed) add(sp sequence.Splice) {
	t.dots += uint64(sp.Width())
	t.bytes += len(sp.Text) + sp.Removed
	if n := len(t.splices); n > t.doubtful {
		last := &t.splices[n-1]
		switch {
		case sp.Removed == 0 && sp.Pos == t.end:
			last.Text += sp.Text
			t.end += utf8.RuneCountInString(sp.Text)
			return
		case last.Text == "" && sp.Removed > 0 && sp.Pos == last.Pos:
			last.Removed += sp.Removed
			last.Text = sp.Text
			t.end += utf8.RuneCountInString(sp.Text)
			return
		case last.Text == "" && sp.Text == "" && sp.Pos+sp.Removed == last.Pos:
			last.Pos = sp.Pos
			last.Removed += sp.Removed
			t.end = sp.Pos
			return
		}
	}
	t.splices = append(t.splices, sp)
	t.end = sp.Pos + utf8.RuneCountInString(sp.Text)
}

// rebase takes what was typed to the text as it is at a version on the key, with dots from first on.
func (t *texts) rebase(s *snap, d *document, last history.LV, first sequence.Dot) error {
	before := d.shown().String()
	if err := d.settle(s); err != nil {
		return err
	}
	edits, err := s.onTop(d.key, last, d.typed.base, d.typed.splices)
	if err != nil {
		return err
	}
	fresh, err := s.openText(d.key, last)
	if err != nil {
		return err
	}
	message := d.typed.message
	t.replace(d, fresh)
	d.typed = typed{base: s.heads(), first: first, message: message}
	for _, e := range edits {
		if err := d.add(sequence.Splice(e)); err != nil {
			d.stale = true
			return err
		}
	}
	d.tell(nil, between(before, d.shown().String()))
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
		t.splices, t.base = t.splices[t.doubtful:], Frontier{t.doubt}
	case !errors.Is(err, ErrPoint):
		return err
	}
	t.doubt, t.doubtful = Version{}, 0
	return nil
}

// onTop is what splices do to a text as it is at a version on its key, when their author saw what a frontier holds.
func (s *snap) onTop(key string, last history.LV, base Frontier, splices []sequence.Splice) ([]sequence.Edit, error) {
	p, err := base.resolve(s)
	if err != nil {
		return nil, err
	}
	d, err := s.openText(key, last)
	if err != nil {
		return nil, err
	}
	err = s.graph(func(g *history.Graph) error { d.lineage.seen = g.ClockOf(p.tops...); return nil })
	if err != nil {
		return nil, err
	}
	dot := s.nextDot()
	dot.Branch, dot.Seq = unwritten, 1
	var edits []sequence.Edit
	for i := range splices {
		op := sequence.Op{Dot: dot, Splice: splices[i]}
		var done []sequence.Edit
		err := d.withPast(s, func() (err error) { done, err = d.text.Apply(op); return err })
		if err != nil {
			return nil, err
		}
		edits = append(edits, done...)
		dot.Seq += uint64(op.Width())
	}
	return edits, nil
}

// writeTyped makes versions of what was typed.
func (c *commit) writeTyped() error {
	t := &c.r.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.typing) > 0 {
		d := t.typing[0]
		if err := c.writeTypedOf(d); err != nil {
			return fmt.Errorf("what was typed into %s: %w", d.key, err)
		}
		t.typing = slices.Delete(t.typing, 0, 1)
	}
	return nil
}

func (c *commit) writeTypedOf(d *document) error {
	if err := c.ensureAuthor(); err != nil {
		return err
	}
	t, s := &c.r.texts, c.snap()
	last, kind, err := s.textPlace(d.key)
	if err != nil {
		return err
	}
	if kind != crdt.KindNone && kind != crdt.KindText {
		return wrongKind(d.key, kind, "a text's edits")
	}
	next := sequence.Dot{Author: c.author.key.Author(), Seq: c.tip.own.seq + 1}
	next.Branch = branchOf(c.author.line, c.lines[c.author.line])
	if d.stale || d.era != c.tip.era() || d.last != last || d.typed.first != next {
		if err := t.rebase(s, d, last, next); err != nil {
			return err
		}
	}
	tx := &Tx{c: c}
	for _, sp := range d.typed.splices {
		if err := tx.splice(d.key, sp); err != nil {
			return err
		}
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
		return c.fail(c.keepText(d))
	}
	return nil
}

// maxSplice is how many code points, and bytes of text, one op removes or inserts at most.
const maxSplice = 128 << 10

// splice stages a splice of the text at a key, as several ops where it is large.
func (tx *Tx) splice(key string, sp sequence.Splice) error {
	for sp.Removed > 0 || sp.Text != "" {
		part := sequence.Splice{Pos: sp.Pos, Removed: min(sp.Removed, maxSplice)}
		if sp.Removed -= part.Removed; sp.Removed == 0 {
			part.Text = sp.Text
			if len(part.Text) > maxSplice {
				n := maxSplice
				for !utf8.RuneStart(part.Text[n]) {
					n--
				}
				part.Text = part.Text[:n]
			}
			sp.Text = sp.Text[len(part.Text):]
			sp.Pos += utf8.RuneCountInString(part.Text)
		}
		op, err := crdt.TextSplice(key, part.Pos, part.Removed, part.Text)
		if err != nil {
			return err
		}
		if err := tx.stageContent(key, op); err != nil {
			return err
		}
	}
	return nil
}

// typedElsewhere reports whether something was typed into another text than that at a key.
func (t *texts) typedElsewhere(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.typing, func(d *document) bool { return d.key != key })
}

// discard drops what was typed into a text.
func (t *texts) discard(d *document) {
	d.typed, d.stale = typed{}, true
	t.typing = slices.DeleteFunc(t.typing, func(o *document) bool { return o == d })
	for _, w := range d.watchers {
		w.nudge()
	}
}

// expire has a text that is open read anew.
func (t *texts) expire(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.open[key]; d != nil {
		d.stale = true
	}
}

// landed forgets what was needed to take a commit back.
func (t *texts) landed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.landing = nil
}

// rollback takes back what a commit wrote that failed: it is typed text again, and what is open is read anew.
func (t *texts) rollback() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.open {
		d.stale = true
	}
	for _, l := range slices.Backward(t.landing) {
		d := l.d
		later := d.typed.splices
		d.typed, d.stale = l.typed, true
		d.typed.doubt, d.typed.doubtful = l.written, len(l.typed.splices)
		d.typed.splices = append(d.typed.splices, later...)
		if !slices.Contains(t.typing, d) {
			t.typing = append(t.typing, d)
		}
	}
	t.landing = nil
}
