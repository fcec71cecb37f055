package replica

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store/memory"
)

func TestStatusOfANewDatabase(t *testing.T) {
	r, err := Open(t.Context(), memory.New(), testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	st, err := r.Status(t.Context())
	if err != nil || st.Versions+st.Keys+st.Namespaces+len(st.Heads) != 0 || st.ReadOnly {
		t.Errorf("%+v, %v", st, err)
	}
	if peers, err := r.Peers(t.Context()); err != nil || len(peers) > 0 {
		t.Errorf("%v, %v", peers, err)
	}
}

func TestStatusTellsWhatHappened(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	a, b := w.replicas[0], w.replicas[1]
	st, err := a.Status(ctx)
	w.ok(nil, err)
	keys, namespaces := 0, map[string]bool{}
	for row, err := range a.List(ctx, "") {
		w.ok(nil, err)
		keys++
		namespaces[namespaceOf(row.Key)] = true
	}
	open := 0
	for c, err := range a.Conflicts(ctx, "") {
		w.ok(nil, err)
		if c.Status == ConflictOpen {
			open++
		}
	}
	if st.Keys != keys || st.Namespaces != len(namespaces) || st.Conflicts != open || open == 0 {
		t.Errorf("%d keys, %d namespaces, %d conflicts; want %d, %d, %d", st.Keys, st.Namespaces, st.Conflicts, keys,
			len(namespaces), open)
	}
	versions := 0
	for _, err := range a.Log(ctx, "") {
		w.ok(nil, err)
		versions++
	}
	if st.Versions != versions || st.Dots < uint64(versions) || st.Authors < 2 {
		t.Errorf("%d versions of %d dots by %d authors; the log has %d", st.Versions, st.Dots, st.Authors, versions)
	}
	if len(st.Pending) != 1 || st.Pending[0].Reason != "missing parent" {
		t.Errorf("pending: %+v", st.Pending)
	}
	if len(st.Notes) == 0 || !strings.Contains(st.Notes[0], "copy of this database") {
		t.Errorf("notes: %q", st.Notes)
	}
	other, err := b.Status(ctx)
	w.ok(nil, err)
	if len(st.Forks) != 1 || len(st.Forks[0].Branches) != 2 || len(other.Forks) != 1 || st.Forks[0].String() != other.Forks[0].String() {
		t.Errorf("forks: %v here, %v there; want the same one on both", st.Forks, other.Forks)
	}
}

func TestStatusOfAReadOnlyMember(t *testing.T) {
	w := newCareWorld(t)
	text, err := w.replicas[0].Invite(t.Context(), InviteOptions{ReadOnly: true})
	w.ok(nil, err)
	r, err := Join(t.Context(), memory.New(), text, testOptions(6))
	w.ok(nil, err)
	w.sync(r, w.replicas[1])
	st, err := r.Status(t.Context())
	if err != nil || !st.ReadOnly || st.Keys == 0 || st.Author != (identity.Author{}) {
		t.Errorf("%+v, %v", st, err)
	}
	mustVerify(t, r)
}

// TestMembersWithoutANameSync: two that have never written are two, although neither has an author yet.
func TestMembersWithoutANameSync(t *testing.T) {
	w := newCareWorld(t)
	var readers []*Replica
	for i := range 2 {
		r, err := Join(t.Context(), memory.New(), w.invite(w.replicas[1]), testOptions(byte(6+i)))
		w.ok(nil, err)
		readers = append(readers, r)
	}
	w.sync(readers[0], w.replicas[1])
	w.sync(readers[0], readers[1])
	if got, want := visible(t, readers[1]), visible(t, w.replicas[1]); !slices.Equal(got, want) {
		t.Errorf("the second reader shows\n%q, want\n%q", got, want)
	}
}

func TestSkewedPeersAreNamed(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	b := w.replicas[1]
	late, err := Join(ctx, memory.New(), w.invite(b), Options{Wall: &tickWall{ms: 1_700_000_000_000 + time.Hour.Milliseconds()}, Rand: seeded(5)})
	w.ok(nil, err)
	w.ok(late.SetName(ctx, "watch", ""))
	w.sync(late, b)
	st, err := b.Status(ctx)
	if err != nil || len(st.Skewed) != 1 || st.Skewed[0] != "watch" {
		t.Errorf("skewed: %q, %v; want the watch", st.Skewed, err)
	}
	peers, err := b.Peers(ctx)
	w.ok(nil, err)
	for _, p := range peers {
		if p.Name == "watch" && (p.Skew < 50*time.Minute || p.Received == 0 || p.Met.IsZero()) {
			t.Errorf("%+v", p)
		}
	}
}

func TestWhy(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	a, b := w.replicas[0], w.replicas[1]
	w.ok(a.Delete(ctx, "notes/late", Message("no longer needed")))
	v, err := a.Set(ctx, "notes/why", 1)
	w.ok(nil, err)
	last, err := b.Set(ctx, "notes/elsewhere", 1)
	w.ok(nil, err)
	var conflicted string
	for c, err := range a.Conflicts(ctx, "") {
		w.ok(nil, err)
		if c.Status == ConflictOpen {
			conflicted = c.Key
		}
	}
	for question, wants := range map[string][]string{
		"notes/a":         {"here and visible", "register"},
		conflicted:        {"in conflict", "hides"},
		"notes/late":      {"deleted by", "no longer needed"},
		"notes/waits":     {"waits", "its parent", "is not here"},
		"notes/elsewhere": {"unknown here", "last met", "phone"},
		v.String():        {"is here", "What notes/why shows is from it"},
		v.ID.String()[:8]: {"is here"},
		last.String():     {"is not here", "newest version of phone"},
		"ffffffffffff":    {"is not here"},
		"zzzzzzzz@3":      {"is not here", "No author is known"},
	} {
		sentences, err := a.Why(ctx, question)
		all := strings.Join(sentences, "\n")
		if err != nil {
			t.Errorf("why %s: %v", question, err)
		}
		for _, want := range wants {
			if !strings.Contains(all, want) {
				t.Errorf("why %s:\n%s\nwant %q in it", question, all, want)
			}
		}
	}
	for question, want := range map[string]error{
		"notes/\n": crdt.ErrKey, "/": crdt.ErrKey, "": ErrPoint, "notes": ErrPoint,
	} {
		if _, err := a.Why(ctx, question); !errors.Is(err, want) {
			t.Errorf("why %q: %v, want %v", question, err, want)
		}
	}
	alone, err := Open(ctx, memory.New(), testOptions(7))
	w.ok(nil, err)
	if s, err := alone.Why(ctx, "notes/a"); err != nil || !strings.Contains(strings.Join(s, "\n"), "never synced") {
		t.Errorf("%q, %v", s, err)
	}
}
