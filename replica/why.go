package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Why says in sentences why a key, or a version that was seen elsewhere, is or is not here: what is shown and what hides
// it, what was deleted and by whom, what waits and for what, and when the others were last met. A text with a slash is a
// key, any other a version: AUTHOR@SEQ, or an id or the beginning of one; one that was written again (Reissue) is found by
// the name that it had. A text that can be neither is an error that wraps crdt.ErrKey or ErrPointText.
func (r *Replica) Why(ctx context.Context, keyOrVersion string, query ...WhyQuery) ([]string, error) {
	q, err := only(query)
	if err != nil {
		return nil, err
	}
	w := &reasons{r: r, ctx: ctx, time: q.Time}
	if w.time == nil {
		w.time = func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	}
	isKey := strings.Contains(keyOrVersion, "/")
	if isKey {
		if err := crdt.CheckKey(keyOrVersion); err != nil {
			return nil, err
		}
	}
	err = r.view(ctx, func(s *snap) error {
		w.s = s
		if isKey {
			return w.key(keyOrVersion)
		}
		return w.version(keyOrVersion)
	})
	return w.sentences, err
}

// WhyQuery says how an answer is wanted: one is given, or none.
type WhyQuery struct {
	// Time writes a time for whoever reads the sentences; without it times are RFC 3339, in UTC.
	Time func(time.Time) string
}

// reasons gathers the sentences of one question.
type reasons struct {
	r         *Replica
	ctx       context.Context
	s         *snap
	time      func(time.Time) string
	sentences []string
}

func (w *reasons) say(format string, args ...any) {
	w.sentences = append(w.sentences, fmt.Sprintf(format, args...))
}

// at names a version with its author and time.
func (w *reasons) at(v clock.Stamp) string {
	name := v.Name()
	if by := w.s.callName(v.Author); by != v.Author.String() {
		name += " by " + by
	}
	return name + " of " + w.time(Version{Stamp: v}.Wall())
}

// maxReasons bounds how many conflicts, keys or versions one answer lists.
const maxReasons = 5

func (w *reasons) key(key string) error {
	b, err := w.s.tx.Get(store.Docs, []byte(key))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil {
		w.say("%s is unknown here: no version that was applied here wrote it.", key)
	} else {
		row, err := store.DecodeDoc(b)
		if err != nil {
			return err
		}
		if err := w.row(key, &row); err != nil {
			return err
		}
	}
	waits, err := w.waiting(func(v *history.Version) bool {
		for _, op := range v.Ops() {
			if op.Key == key {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	if b == nil && !waits {
		return w.met()
	}
	return nil
}

// row explains a key that is known.
func (w *reasons) row(key string, row *store.Doc) error {
	stamp, err := w.s.rowStamp(row)
	if err != nil {
		return err
	}
	if row.Visible() {
		w.say("%s is here and visible: a %s, from %s.", key, row.Kind, w.at(stamp))
	} else if err := w.hidden(key, row); err != nil {
		return err
	}
	state, err := w.s.stateOf(row)
	if err != nil {
		return err
	}
	if state.Unknown() {
		w.say("It holds ops that a newer kdelta wrote and this one cannot show; update kdelta.")
	}
	name, err := strategyName(w.s.tx, namespaceOf(key))
	if err != nil {
		return err
	}
	if _, known := w.r.registry.Lookup(name); !known {
		w.say("Its namespace merges by %s, which this program does not know; it shows the last write.", name)
	}
	return w.conflicts(key)
}

// hidden explains a key that shows nothing.
func (w *reasons) hidden(key string, row *store.Doc) error {
	log := logOf(w.s, key, row)
	said := false
	err := log.walk(0, func(v *stored, _ link) (bool, error) {
		said = w.hiddenBy(key, v)
		return !said, nil
	})
	if err == nil && !said {
		w.say("%s is here and shows nothing: none of its %d versions leaves a value.", key, row.Count)
	}
	return err
}

// hiddenBy explains what a version did that a key shows nothing, if it did anything of the kind.
func (w *reasons) hiddenBy(key string, v *stored) bool {
	for _, op := range v.opsOn(key) {
		switch op.Code {
		case crdt.CodeErase:
			w.say("%s is here and shows nothing: what it showed was erased by %s.", key, w.at(v.Stamp()))
			return true
		case crdt.CodeDelete:
			w.say("%s is here and shows nothing: it was deleted by %s.", key, w.at(v.Stamp()))
			if m := v.Meta().Message; m != "" {
				w.say("The message of that version: %q.", m)
			}
			return true
		}
	}
	return false
}

// conflicts names the concurrent writes that are not shown.
func (w *reasons) conflicts(key string) error {
	prefix := append([]byte(key), 0)
	n, rows := 0, conflictReader{s: w.s}
	for row, err := range w.s.tx.Scan(store.Conflicts, store.Range{From: prefix, To: store.PrefixEnd(prefix)}) {
		if err != nil {
			return err
		}
		conflict, err := store.DecodeConflict(row.Value)
		if err != nil {
			return err
		}
		if ConflictStatus(conflict.Status) != ConflictOpen {
			continue
		}
		if n++; n > maxReasons {
			continue
		}
		c, _, err := rows.read(key, &conflict)
		if err != nil {
			return err
		}
		place := "It"
		if c.Path != "" {
			place = "Its " + c.Path
		}
		w.say("%s is in conflict: %s (%s).", place, c.settled(), c.Why)
	}
	if n > maxReasons {
		w.say("%d conflicts in all are open on it.", n)
	}
	return nil
}

// settled says which sides are shown, and which are not.
func (c *Conflict) settled() string {
	var from, hidden []string
	for _, side := range c.Others {
		if side.Merged {
			from = append(from, side.Version.String())
		} else {
			hidden = append(hidden, side.Version.String())
		}
	}
	said := c.Chosen.Version.String() + " is shown"
	switch {
	case c.Chosen.Merged:
		said = "what is shown is made of " + strings.Join(from, ", ")
	case len(from) > 0:
		said += ", which has all of " + strings.Join(from, ", ")
	}
	if len(hidden) > 0 {
		said += ", and hides " + strings.Join(hidden, ", ")
	}
	return said
}

// waiting names what waits and is wanted, and reports whether there is any.
func (w *reasons) waiting(wanted func(*history.Version) bool) (bool, error) {
	found := false
	for row := range w.s.pendingRows() {
		if errors.Is(row.err, history.ErrPending) {
			continue
		}
		if row.err != nil {
			return found, row.err
		}
		versions, err := history.DecodeRun(w.s.space, row.Run)
		if err != nil {
			continue
		}
		for i := range versions {
			v := &versions[i]
			if !wanted(v) {
				continue
			}
			found = true
			w.say("Version %s was received at %s and waits: %s.", w.at(v.Stamp()), w.time(time.UnixMilli(row.Received)), w.want(&row.Pending))
			break
		}
	}
	return found, nil
}

// want says what versions wait for.
func (w *reasons) want(p *history.Pending) string {
	switch p.Reason {
	case history.ReasonMissingParent:
		return fmt.Sprintf("its parent %s (%.12s) is not here; whoever has that can bring it", nameOf(p.Wants.Author, p.Wants.Seq), p.Wants.ID)
	case history.ReasonNoCertificate:
		return fmt.Sprintf("nobody has shown a certificate that lets %s into this space", p.Wants.Author)
	case history.ReasonNoSeal:
		return fmt.Sprintf("no signature of %s over it has come; a sync with its author brings one", p.Wants.Author)
	}
	return "it was refused, or descends from a version that was; it will not be applied"
}

// met says when the others were last met.
func (w *reasons) met() error {
	peers, err := w.s.peers()
	if err != nil {
		return err
	}
	if len(peers) == 0 {
		w.say("This database has never synced with another one.")
		return nil
	}
	for _, p := range peers {
		what := "all that it had then was offered to this one"
		if p.Behind > 0 {
			what = fmt.Sprintf("it still lacked %d of what is here, so that session may have been cut short", p.Behind)
		}
		if p.Note != "" {
			what = p.Note
		}
		w.say("%s was last met at %s: %s. What it wrote or received later comes with the next sync.", p.Name,
			w.time(p.Met), what)
	}
	w.say("A version that was refused is not kept; the report of its sync named it.")
	return nil
}

// version explains a version that may or may not be here.
func (w *reasons) version(text string) error {
	name, seq, isDot := splitDot(text)
	isID := isIDPrefix(text)
	if !isDot && !isID {
		return noPoint("%s is no NAMESPACE/NAME, no AUTHOR@SEQ and no id of a version", quote(text))
	}
	var p Point
	var err error
	if isDot {
		p, err = w.s.parseDot(text, name, seq)
	} else {
		var found []pointCandidate
		if found, err = w.s.findIDs(w.ctx, strings.ToLower(text)); err == nil {
			p, err = oneOf(text, found)
		}
	}
	switch v, ok := p.(Version); {
	case ok && err == nil:
		if isDot { // a copy's version may go by the same name
			if _, err := w.again(text, name, seq); err != nil {
				return err
			}
		}
		return w.here(v)
	case errors.Is(err, ErrAmbiguous), !errors.Is(err, ErrPoint) && !errors.Is(err, errNoAuthor):
		return err
	}
	if said, err := w.again(strings.ToLower(text), name, seq); said || err != nil {
		return err
	}
	w.say("Version %s is not here.", text)
	waits, err := w.waiting(func(v *history.Version) bool {
		if isDot {
			return strings.HasPrefix(v.Author.Full(), name) && v.Seq-v.Width < seq && seq <= v.Seq
		}
		return strings.HasPrefix(v.ID.String(), strings.ToLower(text))
	})
	if err != nil || waits {
		return err
	}
	if isDot {
		if err := w.holders(name, seq); err != nil {
			return err
		}
	}
	return w.met()
}

// holders says how far an author's versions are here, and who has more.
func (w *reasons) holders(name string, seq uint64) error {
	authors := w.s.authorsCalled(name)
	if len(authors) == 0 {
		w.say("No author is known here by the name or key %s.", name)
	}
	for _, a := range authors {
		var last uint64
		for _, line := range w.s.byAuthor[a] {
			last = max(last, w.s.lines[line].Seq)
		}
		w.say("The newest version of %s that is here is %s.", w.s.callName(a), nameOf(a, last))
		for row, err := range w.s.tx.Scan(store.Peers, store.Range{}) {
			if err != nil {
				return err
			}
			peer, err := store.DecodePeer(row.Value)
			if err != nil || len(row.Key) != len(a) {
				return err
			}
			d := canon.NewReader(peer.Clock)
			held, err := clock.ReadVector(&d)
			if err != nil {
				continue // it never acknowledged anything
			}
			for _, e := range held {
				if e.Author == a && e.Seq >= seq {
					w.say("%s has it: sync with it.", w.s.callName(identity.Author(row.Key)))
				}
			}
		}
	}
	return nil
}

// here explains a version that is applied: what it wrote, and what became of that.
func (w *reasons) here(v Version) error {
	at, err := w.s.versionOf(v.Stamp)
	if err != nil {
		return err
	}
	w.say("Version %s is here.", w.at(v.Stamp))
	for i, k := range at.keys {
		if i == maxReasons {
			w.say("It wrote %d keys in all.", len(at.keys))
			break
		}
		b, err := w.s.tx.Get(store.Docs, []byte(k.key))
		if err != nil {
			return err
		}
		row, err := store.DecodeDoc(b)
		if err != nil {
			return err
		}
		if row.ID == v.ID && row.Visible() {
			w.say("What %s shows is from it.", k.key)
			continue
		}
		shown, err := w.s.rowStamp(&row)
		if err != nil {
			return err
		}
		if !row.Visible() {
			w.say("It wrote %s, which shows nothing now.", k.key)
		} else {
			w.say("It wrote %s, which now shows %s.", k.key, w.at(shown))
		}
	}
	return nil
}
