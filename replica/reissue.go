package replica

import (
	"encoding/hex"
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

// isOwn reports whether an author is the one that this database writes as.
func (c *commit) isOwn(a identity.Author) bool {
	return !c.author.key.IsZero() && a == c.author.key.Author()
}

// leaveAuthor takes a new author after versions of this database's own author came from elsewhere: somebody has a
// copy of it and writes. What never left goes on under the new author; of the rest both branches stay, as a fork that
// everybody sees.
func (c *commit) leaveAuthor(foreign map[history.ID]bool) error {
	old := c.author.key.Author()
	handed, err := readHanded(c.tx)
	if err != nil {
		return err
	}
	w, err := c.unsent(handed, foreign)
	if err != nil {
		return c.fail(err)
	}
	if err := c.moveOn(w, keepTimes, whyFork); err != nil {
		return err
	}
	kept := "both branches are kept"
	if w != nil {
		kept = "what had left either of them is kept"
	}
	return c.note("A copy of this database has written as " + old.String() + " too; " + kept + ", and this database goes on as " +
		c.author.key.Author().String() + ".")
}

// moveOn lets the database go on under a new author, with the versions of w written again; w may be nil.
func (c *commit) moveOn(w *withdrawal, times newTime, why reason) error {
	if w == nil {
		return c.fail(c.anotherAuthor())
	}
	held := c.held
	defer func() {
		if held == nil {
			c.held, c.past, c.reader.held = nil, nil, nil
		}
	}()
	if err := w.setBack(); err != nil {
		return c.fail(err)
	}
	if err := c.anotherAuthor(); err != nil {
		return c.fail(err)
	}
	if err := w.replay(); err != nil {
		return c.fail(err)
	}
	r, err := w.writeAgain(times)
	if err != nil {
		return c.fail(err)
	}
	r.Why = string(why)
	if err := c.note(r.String() + "."); err != nil {
		return err
	}
	return c.fail(c.noteReissue(r))
}

// anotherAuthor gives the database a new author, and an instance where there is a sidecar.
func (c *commit) anotherAuthor() error {
	side, ok := c.r.st.(store.Sidecar)
	if !ok {
		return c.newAuthor()
	}
	file, err := side.FileIdentity()
	if err != nil {
		return err
	}
	return c.newInstance(side, file)
}

// newTime is the time that a version of the tail gets, where was is the one it had and after the greatest of its parents'.
type newTime func(was, after clock.Time) clock.Time

// keepTimes keeps the times, but for a version that has another parent than before.
func keepTimes(was, after clock.Time) clock.Time { return max(was, after+1) }

// timesBy brings times down to a wall clock.
func timesBy(wall int64) newTime {
	return func(was, after clock.Time) clock.Time {
		return clock.Next(min(was.Millis(), wall), after)
	}
}

// ahead reports whether a version lies more than maxSkew in the future of a wall clock.
func (h head) ahead(wall int64) bool {
	return h.seq > 0 && h.time.Millis()-maxSkew.Milliseconds() > wall
}

// correctTimes writes the tail again if a peer's wall clock shows that ours is ahead, or was when it was written, before any of
// it leaves. One peer's word is enough, since what it can do is little: a version may carry any time above its parents'. It does nothing
//
//   - unless the tail lies more than maxSkew in the peer's future,
//   - if the peer's clock is that much behind what others have written: then it is the one that is wrong,
//   - to versions that were written again for their times before: a tail is corrected once.
func (c *commit) correctTimes(peerWall int64) error {
	if c.author.key.IsZero() || !c.member.CanWrite() || !c.tip.own.ahead(peerWall) {
		return nil
	}
	limit := peerWall + maxSkew.Milliseconds()
	after, err := c.sentOrCorrected()
	if err != nil {
		return err
	}
	for i, row := range c.lines {
		if history.Line(i) != c.author.line && clock.Time(row.Time).Millis() > limit {
			return nil
		}
	}
	w, err := c.unsent(after, nil)
	if err != nil || w == nil {
		return c.fail(err)
	}
	if prev := w.tail[0].PrevRef(); prev.Seq > 0 {
		v, err := c.snap().versionOf(clock.Stamp{Author: prev.Author, Seq: prev.Seq, ID: prev.ID})
		if err != nil {
			return c.fail(err)
		}
		if v.Time.Millis() > limit {
			return nil
		}
	}
	return c.moveOn(w, timesBy(peerWall), whyClock)
}

// sentOrCorrected is the own dot up to which versions have left, or were written again for their times.
func (c *commit) sentOrCorrected() (uint64, error) {
	handed, err := readHanded(c.tx)
	if err != nil {
		return 0, err
	}
	all, err := c.snap().reissues()
	for i := range all {
		if r := &all[i]; r.Why == string(whyClock) && c.isOwn(r.As) {
			handed = max(handed, r.Last)
		}
	}
	return handed, err
}

// renames say which versions stand for those of the tail, by the beginnings of their ids.
type renames map[clock.Prefix]clock.Stamp

// writeAgain writes the tail as the author that the database has now: version for version, with the same ops, messages and
// parents.
func (w *withdrawal) writeAgain(times newTime) (*Reissue, error) {
	c := w.c
	first, last := &w.tail[0], &w.tail[len(w.tail)-1]
	r := &Reissue{
		Author: w.author, From: first.Seq - first.Width + 1, To: last.Seq, As: c.author.key.Author(),
		Versions: len(w.tail), At: time.UnixMilli(c.r.wall.Now()).UTC(),
	}
	renamed := make(renames, len(w.tail))
	for i := range w.tail {
		old := &w.tail[i]
		deps, err := w.depsOf(old, renamed)
		if err != nil {
			return nil, err
		}
		for len(deps) > history.MaxDeps {
			join, err := w.version(nil, history.Meta{}, 0, deps[:history.MaxDeps], times)
			if err == nil {
				err = w.apply(&join)
			}
			if err != nil {
				return nil, err
			}
			deps = deps[history.MaxDeps:]
		}
		ops, meta, err := again(old, renamed)
		if err != nil {
			return nil, err
		}
		v, err := w.version(ops, meta, old.Time, deps, times)
		if err == nil {
			err = w.eraseAgain(&old.Version, &v)
		}
		if err == nil {
			err = w.apply(&v)
		}
		if err != nil {
			return nil, err
		}
		renamed[old.ID.Prefix()] = v.Stamp()
		if i == 0 {
			r.First = v.Seq - v.Width + 1
		}
		r.steps = append(r.steps, step{width: old.Width, was: old.ID.Prefix(), seq: v.Seq, now: v.ID.Prefix()})
	}
	r.Last = c.tip.own.seq
	return r, nil
}

// depsOf are the parents of a version of the tail but for its previous version, where that was written again too.
func (w *withdrawal) depsOf(old *stored, renamed renames) ([]history.Ref, error) {
	prev := old.PrevRef()
	if _, ok := renamed[prev.ID.Prefix()]; ok || prev.Seq == 0 {
		return old.Deps, nil
	}
	at, err := w.lv(prev)
	if err != nil {
		return nil, err
	}
	for _, dep := range old.Deps { // one that covers the previous version stands for it
		lv, err := w.lv(dep)
		if err != nil || w.c.private.Covers(lv, at) {
			return old.Deps, err
		}
	}
	return append([]history.Ref{prev}, old.Deps...), nil
}

// lv finds a version that is here.
func (w *withdrawal) lv(ref history.Ref) (history.LV, error) {
	lv, found, err := w.c.private.Lookup(ref, w.c.snap())
	if err == nil && !found {
		err = fmt.Errorf("%w: version %s is missing", store.ErrCorrupt, nameOf(ref.Author, ref.Seq))
	}
	return lv, err
}

// version makes a version on top of the author's last one and of deps.
func (w *withdrawal) version(ops []history.Op, meta history.Meta, was clock.Time, deps []history.Ref, times newTime) (history.Version, error) {
	c := w.c
	d := history.Draft{Space: c.member.Space(), Author: c.author.key.Author(), Deps: deps, Ops: ops, Meta: meta}
	var after clock.Time
	if own := c.tip.own; own.seq > 0 {
		d.Prev, after = history.Ref{Author: d.Author, Seq: own.seq, ID: own.id}, own.time
	}
	for _, dep := range deps {
		lv, err := w.lv(dep)
		if err != nil {
			return history.Version{}, err
		}
		t, err := w.again.timeOf(dep.ID, lv)
		if err != nil {
			return history.Version{}, err
		}
		after = max(after, t)
	}
	d.Time = times(was, after)
	v, err := history.New(d)
	if err != nil {
		return v, tooLarge(err)
	}
	return v, nil
}

// eraseAgain says of a version that is written again what is known of the old one: what of it was erased, and, where it erases
// itself, that it proves that.
func (w *withdrawal) eraseAgain(old, v *history.Version) error {
	c := w.c
	was, now := old.Stamp().Entry(), v.Stamp().Entry()
	for i, op := range v.Ops() {
		if op.Detached == nil || op.Body != nil {
			continue
		}
		before := crdt.Target{Version: was, Op: uint32(i)}
		eraser, erased, err := eraserOf(c.tx, before, op.Key)
		if err == nil && !erased {
			err = fmt.Errorf("%w: a value of version %s is missing, and nobody erased it", store.ErrCorrupt, old.Stamp().Name())
		}
		if err != nil {
			return err
		}
		after := crdt.Target{Version: now, Op: uint32(i)}
		err = errors.Join(c.tx.Delete(store.Erasures, erasedKey(before, op.Key)),
			c.tx.Put(store.Erasures, erasedKey(after, op.Key), appendEntry(nil, eraser)))
		if err != nil {
			return err
		}
	}
	if err := c.tx.Delete(store.Erasures, proofKey(proofRow, was)); err != nil {
		return err
	}
	return c.learnOwn(v)
}

// again are a version's ops and metadata as they are written again: what they say of versions of the tail is said of those
// that stand for them.
func again(old *stored, renamed renames) ([]history.Op, history.Meta, error) {
	meta := old.Meta()
	if id, err := hex.DecodeString(meta.Undo); err == nil && len(id) == len(history.ID{}) {
		if now, ok := renamed[history.ID(id).Prefix()]; ok {
			meta.Undo = now.ID.String()
		}
	}
	var ops []history.Op
	for _, op := range old.Ops() {
		var err error
		switch {
		case op.Code == crdt.CodeResolve:
			op.Op, err = resolveAgain(op.Op, renamed)
		case op.Code == crdt.CodeErase:
			op.Op, err = targetAgain(op.Op, renamed)
		case op.Code == crdt.CodePut && strings.HasPrefix(op.Key, tagPrefix):
			op.Op, err = tagAgain(op.Op, renamed)
		}
		if err != nil {
			return nil, meta, err
		}
		ops = append(ops, op)
	}
	return ops, meta, nil
}

func resolveAgain(op crdt.Op, renamed renames) (crdt.Op, error) {
	r := canon.NewReader(op.Body)
	sides, err := clock.ReadVector(&r)
	if err != nil {
		return op, err
	}
	moved := make([]clock.Entry, len(sides))
	for i, side := range sides {
		moved[i] = side
		if now, ok := renamed[side.ID]; ok {
			moved[i] = now.Entry()
		}
	}
	return crdt.Resolve(op.Key, moved)
}

func targetAgain(op crdt.Op, renamed renames) (crdt.Op, error) {
	target, err := op.Target()
	if now, ok := renamed[target.Version.ID]; ok && err == nil {
		target.Version = now.Entry()
		return crdt.Erase(op.Key, target)
	}
	return op, err
}

func tagAgain(op crdt.Op, renamed renames) (crdt.Op, error) {
	b, _ := canon.Value(op.Body).AsBytes()
	stamps, err := unpackStamps(b)
	if err != nil {
		return op, nil //nolint:nilerr // a tag that names nothing goes on to name nothing
	}
	for i := range stamps {
		if now, ok := renamed[stamps[i].ID.Prefix()]; ok {
			stamps[i] = now
		}
	}
	return crdt.Put(op.Key, canon.Bytes(packStamps(stamps)))
}
