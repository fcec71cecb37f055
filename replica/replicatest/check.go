package replicatest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/storetest"
)

// ingest reads what is new in a replica's log, and reports whether that could be read. It must be in the total order; every
// version must have its parents before it and be one that somebody wrote; see Model.Enter for the rest.
func (d *device) ingest() bool {
	w := d.w
	now := look{d.faulty.Count(storetest.Begin), w.model.Len()}
	if d.looked == now && !d.unsure {
		return true
	}
	if ok := d.lookForReissues(); !ok {
		return false
	}
	var fresh []replica.LogEntry
	for e, err := range d.r.Log(w.ctx, "", replica.LogQuery{Since: d.heads}) {
		if err != nil {
			if d.tolerates(err) {
				return false
			}
			w.failf("log", "%s: %v", d.name, err)
		}
		if n := len(fresh); n > 0 && !e.Less(fresh[n-1].Stamp) {
			w.failf("log", "%s shows %s behind %s", d.name, e.Version, fresh[n-1].Version)
		}
		fresh = append(fresh, e)
	}
	slices.Reverse(fresh)
	for i := range fresh {
		e := &fresh[i]
		n, isNew, err := w.model.Enter(e)
		if err != nil {
			w.failf("I3", "%s: %v", d.name, err)
		}
		if d.seen.Has(n) {
			w.failf("I10", "%s shows %s twice", d.name, e.Version)
		}
		for _, p := range w.model.nodes[n].parents {
			if !d.seen.Has(p) {
				w.failf("I3", "%s shows %s without its parent %s", d.name, e.Version, w.model.Stamp(p).Name())
			}
		}
		if w.evil.fate(e.ID) == versionBad {
			w.failf("I15", "%s took %s, which is invalid", d.name, e.Version)
		}
		unknown := isNew && w.evil.fate(e.ID) == versionUnknown
		switch {
		case unknown && d.left.spent[e.Author]:
			w.failf("I13", "%s writes %s, and was set back behind what had left it of this author", d.name, e.Version)
		case unknown && (d.mayWrite || d.unsure) || d.rewrote[e.Author]:
			d.mine.Add(n)
		case unknown && !w.rewrote[e.Author]:
			w.failf("I13", "%s shows %s, which nobody wrote", d.name, e.Version)
		}
		d.seen.Add(n)
		d.heads = slices.DeleteFunc(d.heads, func(h replica.Version) bool {
			return slices.ContainsFunc(e.Parents, func(p replica.Version) bool { return p.ID == h.ID })
		})
		d.heads = append(d.heads, e.Version)
		w.noteVersion(e)
	}
	d.unsure = false
	if ok := d.lookAtErasures(); !ok {
		return false
	}
	d.looked = look{now.updates, w.model.Len()}
	return true
}

// look is an instant at which a replica's log was read: nothing in it changes before the next Update of its store is called, and
// nothing that the world makes of it before it knows of more versions.
type look struct{ updates, versions int }

// noteVersion counts what is worth to be seen in a run.
func (w *World) noteVersion(e *replica.LogEntry) {
	if len(e.Parents) > 1 {
		w.count("version: merge")
	}
	if len(e.Ops) == 0 {
		w.count("version: join")
	}
	for _, op := range e.Ops {
		w.count("version: " + op.Op)
	}
}

// checkKeys compares what keys show with the definitions (I5 to I8, I18), and reports whether they could be read.
func (d *device) checkKeys(keys ...string) bool {
	w := d.w
	for _, key := range keys {
		doc, err := d.r.Doc(w.ctx, key)
		if err != nil && d.tolerates(err) {
			return false
		}
		if err != nil && !errors.Is(err, replica.ErrNotFound) {
			w.failf("read", "%s: %s: %v", d.name, key, err)
		}
		w.compare(d.name, key, doc.Row, err == nil, d.shown(key))
	}
	return true
}

// compare fails unless a row shows what the definitions say.
func (w *World) compare(where, key string, row replica.Row, found bool, want Shown) {
	if !found && want.Kind == crdt.KindNone {
		return
	}
	text := []byte("nothing")
	if want.Kind != crdt.KindNone {
		text = want.Value.AppendJSON(nil)
	}
	if !found || want.Kind != row.Kind || string(text) != string(row.Value) || want.At != row.Version.Stamp || len(want.Open) != row.Conflicts {
		w.failf("I8", "%s: %s shows %s %s from %s with %d conflicts, and must show %s %s from %s with %d", where, key, row.Kind, row.Value,
			row.Version, row.Conflicts, want.Kind, text, want.At.Name(), len(want.Open))
	}
	switch {
	case want.Kind == crdt.KindRecord:
		w.count("shown: record")
	case want.Kind.IsSequence():
		w.count("shown: " + string(want.Kind))
	case row.Conflicts > 0:
		w.count("shown: conflict")
	}
}

// picture is what a set of versions looked like on the replica that had it first.
type picture struct{ who, text string }

// checkAll compares all that a replica shows with the definitions, and with what others showed that held the same (I1).
func (d *device) checkAll() {
	w := d.w
	w.count("check: all")
	st, err := d.r.Status(w.ctx)
	if err != nil {
		if !d.tolerates(err) {
			w.failf("status", "%s: %v", d.name, err)
		}
		return
	}
	w.model.by(&d.gone)
	d.checkStatus(&st)
	rows, ok := d.rows()
	if !ok {
		return
	}
	conflicts, ok := d.conflicts()
	if !ok || !d.checkLogs() {
		return
	}
	if d.checkReceipts(); d.r == nil {
		return
	}
	id := d.seen.ID() + " " + d.gone.id
	base := fmt.Sprintf("state %x\nheads %v\n", st.StateDigest, st.Heads)
	w.sameAs(d, "set "+id, base)
	w.sameAs(d, fmt.Sprintf("view %t %s", d.knowsRare, id), rows+conflicts)
}

// sameAs fails unless what a replica shows is what was shown for the same versions before.
func (w *World) sameAs(d *device, id, text string) {
	old, known := w.pictures[id]
	switch {
	case !known:
		w.pictures[id] = picture{d.name, text}
	case old.text != text:
		w.failf("I1", "%s and %s hold the same and differ:\n%s", old.who, d.name, difference(old.text, text))
	case old.who != d.name:
		w.count("check: equal sets compared")
	}
}

// difference are the lines that only one of two texts has.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out strings.Builder
	for _, line := range x {
		if !slices.Contains(y, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

// checkStatus compares counts, heads and forks.
func (d *device) checkStatus(st *replica.Status) {
	w := d.w
	members := d.seen.Members()
	if st.Versions != len(members) {
		w.failf("status", "%s says it holds %d versions and shows %d", d.name, st.Versions, len(members))
	}
	covered := Set{}
	for _, n := range members {
		covered.AddAll(w.model.nodes[n].past)
	}
	var heads []clock.ID
	for _, n := range d.seen.Without(covered) {
		heads = append(heads, w.model.nodes[n].stamp.ID)
	}
	got := make([]clock.ID, 0, len(st.Heads))
	for _, h := range st.Heads {
		got = append(got, h.ID)
	}
	slices.SortFunc(heads, clock.ID.Compare)
	slices.SortFunc(got, clock.ID.Compare)
	if !slices.Equal(heads, got) {
		w.failf("I1", "%s has the heads %v and must have %v", d.name, got, heads)
	}
	if forked := w.model.Forked(d.seen); forked != (len(st.Forks) > 0) {
		w.failf("I13", "%s: forked is %t, and status shows %v", d.name, forked, st.Forks)
	} else if forked {
		w.count("fork seen")
	}
	if len(st.Pending) > 0 {
		w.count("pending seen")
	}
}

// rows are all visible keys, compared with the definitions.
func (d *device) rows() (text string, ok bool) {
	w := d.w
	var b strings.Builder
	var keys []string
	for _, prefix := range []string{"", "."} {
		for row, err := range d.r.List(w.ctx, prefix) {
			if err != nil {
				if d.tolerates(err) {
					return "", false
				}
				w.failf("list", "%s: %v", d.name, err)
			}
			keys = append(keys, row.Key)
			fmt.Fprintf(&b, "%s %s %s %s %d\n", row.Key, row.Version, row.Kind, row.Value, row.Conflicts)
			w.compare(d.name, row.Key, row, true, d.shown(row.Key))
		}
	}
	for _, key := range d.touched() {
		if d.shown(key).Kind != crdt.KindNone && !slices.Contains(keys, key) {
			w.failf("I1", "%s does not list %s", d.name, key)
		}
	}
	return b.String(), true
}

// conflicts are all conflicts, closed ones too, as text, compared with the definitions (I8).
func (d *device) conflicts() (text string, ok bool) {
	w := d.w
	var b strings.Builder
	var got []string
	for _, prefix := range []string{"", "."} {
		for c, err := range d.r.Conflicts(w.ctx, prefix, replica.ConflictQuery{All: true}) {
			if err != nil {
				if d.tolerates(err) {
					return "", false
				}
				w.failf("conflicts", "%s: %v", d.name, err)
			}
			line := entryLine(&c)
			got = append(got, line)
			fmt.Fprintf(&b, "%s why %s\n", line, c.Why)
			w.count("conflict: " + string(c.Status))
			w.noteWhy(c.Why)
			if len(c.Others) == 0 {
				w.failf("I8", "%s: a conflict of %s with itself: %s", d.name, c.Chosen.Version, line)
			}
			if !c.ClosedBy.IsZero() && c.Chosen.Kind != c.Others[0].Kind {
				w.count("conflict of kinds: " + string(c.Status))
			}
		}
	}
	slices.Sort(got)
	if want := d.wantedConflicts(); !slices.Equal(got, want) {
		w.failf("I8", "%s: the conflicts and what they must be differ:\n%s", d.name,
			difference(strings.Join(got, "\n"), strings.Join(want, "\n")))
	}
	return b.String(), true
}

// entryLine is a conflict as a replica lists it, without the words that explain it.
func entryLine(c *replica.Conflict) string {
	var b strings.Builder
	base := "nothing"
	if c.Base != nil {
		base = string(c.Base)
	}
	fmt.Fprintf(&b, "%s %q %s base %s chosen %s", c.Key, c.Path, c.Status, base, sideLine(&c.Chosen))
	for i := range c.Others {
		b.WriteString(" lost " + sideLine(&c.Others[i]))
	}
	return b.String() + " by " + closedBy(c.ClosedBy.Stamp)
}

// closedBy names the version that closed a conflict, empty where it is open.
func closedBy(by clock.Stamp) string {
	if by.IsZero() {
		return ""
	}
	return by.Name()
}

func sideLine(s *replica.ConflictSide) string {
	value := string(s.Value)
	if s.Deleted {
		value = "nothing"
	}
	return fmt.Sprintf("%s %s %s", s.Version.ID, s.Kind, value)
}

// wantedLine is the line of a conflict as the definitions have it.
func (w *World) wantedLine(e *Entry, d *device) string {
	var b strings.Builder
	status := replica.ConflictOpen
	switch {
	case e.Resolved:
		status = replica.ConflictResolved
	case !e.By.IsZero():
		status = replica.ConflictOverwritten
	}
	id := fmt.Sprintf("%t %s %s", d.knowsRare, e.id(), d.gone.id)
	base, known := w.bases[id]
	if !known {
		base = textOf(w.model.base(e, d.knows))
		w.bases[id] = base
	}
	fmt.Fprintf(&b, "%s %q %s base %s chosen %s", e.Key, crdt.Pointer(e.Path), status, base, e.Chosen.text())
	for i := range e.Others {
		b.WriteString(" lost " + e.Others[i].text())
	}
	return b.String() + " by " + closedBy(e.By)
}

func (w *World) noteWhy(why string) {
	for _, rule := range []string{"revives", "kinds:", "beats a delete", "later time"} {
		if strings.Contains(why, rule) {
			w.count("conflict why: " + strings.TrimSuffix(rule, ":"))
		}
	}
}

// checkLogs compares the log of one key with the versions that touch it.
func (d *device) checkLogs() bool {
	w := d.w
	keys := w.model.Keys(d.seen)
	if len(keys) == 0 {
		return true
	}
	key := pick(w, keys)
	var got Set
	var last clock.Stamp
	for e, err := range d.r.Log(w.ctx, key) {
		if err != nil {
			if d.tolerates(err) {
				return false
			}
			w.failf("log", "%s: %s: %v", d.name, key, err)
		}
		n, known := w.model.Lookup(e.ID)
		if !known || got.Has(n) {
			w.failf("log", "%s: the log of %s shows %s, known %t", d.name, key, e.Version, known)
		}
		if !last.IsZero() && !e.Less(last) {
			w.failf("log", "%s: the log of %s shows %s behind %s", d.name, key, e.Version, last.Name())
		}
		last = e.Stamp
		got.Add(n)
		d.checkErased(n, key, &e)
	}
	var want Set
	for _, p := range w.model.on(d.seen, key).ops {
		want.Add(p.n)
	}
	if got.ID() != want.ID() {
		w.failf("log", "%s: the log of %s has %d versions and must have %d", d.name, key, got.Len(), want.Len())
	}
	return true
}

// checkPast reads keys as they were at some points and compares them with the definitions for the versions that these hold.
func (d *device) checkPast() {
	w := d.w
	members := d.seen.Members()
	if len(members) == 0 {
		return
	}
	w.count("check: past")
	w.model.by(&d.gone)
	a, b := pick(w, members), pick(w, members)
	at := func(n int) replica.Version { return replica.Version{Stamp: w.model.Stamp(n)} }
	both := w.model.Closed(a)
	both.AddAll(w.model.Closed(b))
	ms := w.model.Stamp(a).Time.Millis()
	var until Set
	for _, n := range members {
		if w.model.Stamp(n).Time.Millis() <= ms {
			until.Add(n)
		}
	}
	for _, p := range []struct {
		name string
		at   replica.Point
		set  Set
	}{
		{"version " + at(a).String(), at(a), w.model.Closed(a)},
		{"frontier", replica.Frontier{at(a), at(b)}, both},
		{"time", replica.TimePoint(time.UnixMilli(ms)), until},
	} {
		for _, key := range append(slices.Clone(otherKeys), worldKeys...) {
			doc, err := d.r.At(p.at).Doc(w.ctx, key)
			if err != nil && d.tolerates(err) {
				return
			}
			if err != nil && !errors.Is(err, replica.ErrNotFound) {
				w.failf("past", "%s at %s: %s: %v", d.name, p.name, key, err)
			}
			w.compare(d.name+" at "+p.name, key, doc.Row, err == nil, w.model.View(p.set, key, d.knows))
		}
	}
}
