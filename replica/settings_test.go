package replica_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// space makes n replicas of one space in memory; all but the first have joined it.
func newSpace(t *testing.T, n int, options ...replica.Options) ([]*replica.Replica, []store.Store) {
	t.Helper()
	replicas, stores := make([]*replica.Replica, n), make([]store.Store, n)
	var invite string
	for i := range replicas {
		var opts replica.Options
		if i < len(options) {
			opts = options[i]
		}
		stores[i] = memory.New()
		var err error
		if i == 0 {
			if replicas[i], err = replica.Open(t.Context(), stores[i], opts); err == nil {
				invite, err = replicas[i].Invite(t.Context(), replica.InviteOptions{})
			}
		} else {
			replicas[i], err = replica.Join(t.Context(), stores[i], invite, opts)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return replicas, stores
}

// syncAll syncs everybody with everybody.
func syncAll(t *testing.T, replicas ...*replica.Replica) {
	t.Helper()
	for range 2 {
		for i := 1; i < len(replicas); i++ {
			syncPair(t, replicas[i-1], replicas[i])
		}
	}
}

func settings(t *testing.T, r *replica.Replica, ns string, s replica.Settings) {
	t.Helper()
	wrote(t)(r.SetSettings(t.Context(), ns, s))
}

func valueOf(t *testing.T, r replica.Reader, key string) string {
	t.Helper()
	var v json.RawMessage
	if _, err := r.Get(t.Context(), key, &v); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	return string(v)
}

// conflicted makes two replicas that wrote some keys at the same time and have synced.
func conflicted(t *testing.T, strategy string) (a, b *replica.Replica) {
	t.Helper()
	replicas, _ := newSpace(t, 2)
	a, b = replicas[0], replicas[1]
	if strategy != "" {
		settings(t, a, "n", replica.Settings{Strategy: strategy})
		syncPair(t, a, b)
	}
	object := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	for _, both := range []struct {
		key    string
		va, vb any
	}{
		{"n/numbers", 5, 3},
		{"n/arrays", []int{1, 2}, []int{2, 3}},
		{"n/apart", object("a", 1), object("b", 2)},
		{"n/clash", object("a", 1, "c", "A"), object("a", 2, "d", "B")},
		{"n/mixed", "text", object("x", 1)},
		{"n/equal", "same", "same"},
	} {
		wrote(t)(a.Set(t.Context(), both.key, both.va))
		wrote(t)(b.Set(t.Context(), both.key, both.vb))
	}
	syncPair(t, a, b)
	return a, b
}

// All strategies after all others, on keys with concurrent writes: each replica's rows follow, also those of keys that
// one strategy sees no conflict in, and each looks as if that strategy had been there from the start of the viewing.
func TestStrategyChangesRewriteRows(t *testing.T) {
	names := []string{"lww", "mv", "max", "min", "union", "fields"}
	for _, start := range names {
		t.Run("written under "+start, func(t *testing.T) {
			t.Parallel()
			draw := rand.New(rand.NewPCG(1, 2))
			a, b := conflicted(t, start)
			showsTheLog(t, a)
			seen := map[string]string{}
			for range 20 {
				name := names[draw.IntN(len(names))]
				changer, other := a, b
				if draw.IntN(2) == 0 {
					changer, other = b, a
				}
				settings(t, changer, "n", replica.Settings{Strategy: name})
				syncPair(t, changer, other)
				sameState(t, a, b)
				showsTheLog(t, a)
				showsTheLog(t, b)
				shown := listed(t, a, "n/")
				if before, again := seen[name]; again && before != shown {
					t.Errorf("under %s the namespace showed\n%sand later, with no write between,\n%s", name, before, shown)
				}
				seen[name] = shown
			}
		})
	}
}

// What each strategy shows of concurrent values.
func TestStrategyViews(t *testing.T) {
	a, b := conflicted(t, "")
	last := func(x, y string) func(string) bool { return func(v string) bool { return v == x || v == y } }
	is := func(x string) func(string) bool { return func(v string) bool { return v == x } }
	for _, c := range []struct {
		strategy, key string
		want          func(string) bool
	}{
		{"lww", "n/numbers", last("5", "3")},
		{"max", "n/numbers", is("5")},
		{"min", "n/numbers", is("3")},
		{"mv", "n/numbers", last("[5,3]", "[3,5]")},
		{"union", "n/arrays", last("[1,2,3]", "[2,3,1]")},
		{"fields", "n/apart", is(`{"a":1,"b":2}`)},
		{"lww", "n/apart", last(`{"a":1}`, `{"b":2}`)},
		{"fields", "n/clash", last(`{"a":1,"c":"A","d":"B"}`, `{"a":2,"c":"A","d":"B"}`)},
		{"fields", "n/equal", is(`"same"`)},
	} {
		settings(t, a, "n", replica.Settings{Strategy: "fields"})
		if _, err := a.SetSettings(t.Context(), "n", replica.Settings{Strategy: c.strategy}); err != nil {
			t.Fatal(err)
		}
		syncPair(t, a, b)
		for _, r := range []*replica.Replica{a, b} {
			if v := valueOf(t, r, c.key); !c.want(v) {
				t.Errorf("%s shows %s as %s", c.strategy, c.key, v)
			}
		}
	}
}

// A namespace goes to fields and back while records are edited on both sides, and nobody loses a field.
func TestFieldsAndBack(t *testing.T) {
	replicas, _ := newSpace(t, 2)
	a, b := replicas[0], replicas[1]
	type fieldsOf = map[string]any
	wrote(t)(a.Set(t.Context(), "n/1", fieldsOf{"x": 1, "y": 1}))
	settings(t, a, "n", replica.Settings{Strategy: "fields"})
	syncPair(t, a, b)
	wrote(t)(a.Set(t.Context(), "n/1", fieldsOf{"x": 2, "y": 1}))
	wrote(t)(b.Set(t.Context(), "n/1", fieldsOf{"x": 1, "y": 2}))
	syncPair(t, a, b)
	for _, r := range replicas {
		if v := valueOf(t, r, "n/1"); v != `{"x":2,"y":2}` {
			t.Errorf("edits of two fields show %s", v)
		}
	}
	// Back to whole values: a Set then replaces the record as one.
	settings(t, b, "n", replica.Settings{Strategy: "lww"})
	syncPair(t, a, b)
	wrote(t)(a.Set(t.Context(), "n/1", fieldsOf{"z": 3}))
	syncPair(t, a, b)
	for _, r := range replicas {
		if v := valueOf(t, r, "n/1"); v != `{"z":3}` {
			t.Errorf("a Set under lww shows %s", v)
		}
	}
	// One replica patches, not knowing yet that the other has gone back and put a whole value.
	settings(t, a, "n", replica.Settings{Strategy: "fields"})
	syncPair(t, a, b)
	settings(t, a, "n", replica.Settings{Strategy: "lww"})
	wrote(t)(a.Set(t.Context(), "n/1", fieldsOf{"z": 4}))
	wrote(t)(b.Set(t.Context(), "n/1", fieldsOf{"z": 3, "w": 9}))
	syncPair(t, a, b)
	sameState(t, a, b)
	for _, r := range replicas {
		showsTheLog(t, r)
	}
}

// longestText is an application's strategy: the longest text wins.
type longestText struct{ version int }

func (l longestText) Name() string { return fmt.Sprintf("longest/%d", l.version) }

func (longestText) Resolve(c crdt.Siblings) (crdt.Value, error) {
	best := crdt.Value(nil)
	for _, s := range c.Values {
		if len(s.Value) > len(best) {
			best = s.Value
		}
	}
	return best, nil
}

// aheadBy is a wall clock that goes wrong by so much.
type aheadBy time.Duration

func (a aheadBy) Now() int64 { return time.Now().Add(time.Duration(a)).UnixMilli() }

// Whoever does not know a strategy shows the last write, and takes it over as soon as it knows: nothing that it showed is
// part of what replicas agree on.
func TestUnknownStrategy(t *testing.T) {
	knows := replica.Options{Strategies: []crdt.Strategy{longestText{1}}}
	later := replica.Options{Strategies: knows.Strategies, Wall: aheadBy(time.Minute)}
	replicas, stores := newSpace(t, 3, knows, replica.Options{}, later)
	a, b, c := replicas[0], replicas[1], replicas[2]
	settings(t, a, "n", replica.Settings{Strategy: "longest"})
	syncAll(t, replicas...)
	wrote(t)(a.Set(t.Context(), "n/1", "the long text"))
	wrote(t)(c.Set(t.Context(), "n/1", "short"))
	syncAll(t, replicas...)
	digests := map[[32]byte]bool{}
	for i, r := range replicas {
		doc, err := r.Doc(t.Context(), "n/1")
		if err != nil {
			t.Fatal(err)
		}
		want, by := `"the long text"`, "longest/1"
		if i == 1 {
			want, by = `"short"`, "lww/1"
		}
		if string(doc.Value) != want || doc.Strategy != by || doc.Conflicts != 1 {
			t.Errorf("replica %d shows %s by %s with %d conflicts", i, doc.Value, doc.Strategy, doc.Conflicts)
		}
		status, err := r.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		digests[status.StateDigest] = true
	}
	if len(digests) != 1 {
		t.Error("the states differ where only the view may")
	}
	if _, err := b.Set(t.Context(), "n/1", "x"); err == nil || !strings.Contains(err.Error(), "longest/1") {
		t.Errorf("a write under an unknown strategy returned %v", err)
	}
	// The same database in a program that knows the strategy.
	updated, err := replica.Open(t.Context(), stores[1], knows)
	if err != nil {
		t.Fatal(err)
	}
	if v := valueOf(t, updated, "n/1"); v != `"the long text"` {
		t.Errorf("a program that knows the strategy still shows %s", v)
	}
	wrote(t)(updated.Set(t.Context(), "n/1", "settled"))
	syncAll(t, a, updated, c)
	sameState(t, a, updated, c)
}

// What a namespace was made stays so when something else of it is set: values would be written into their versions for ever.
func TestSettingsLeaveTheRest(t *testing.T) {
	replicas, _ := newSpace(t, 1)
	r := replicas[0]
	settings(t, r, "n", replica.Settings{Erasable: true})
	settings(t, r, "n", replica.Settings{Strategy: "fields"})
	if v, err := r.SetSettings(t.Context(), "n", replica.Settings{}); err != nil || !v.IsZero() {
		t.Errorf("no settings gave %v, %v", v, err)
	}
	if s, err := r.Settings(t.Context(), "n"); err != nil || !s.Erasable || s.Strategy != "fields/1" {
		t.Errorf("the settings are %+v, %v", s, err)
	}
}

// Values of an erasable namespace are read and synced like others, and stand beside their versions, not in them.
func TestErasableNamespace(t *testing.T) {
	replicas, _ := newSpace(t, 2)
	a, b := replicas[0], replicas[1]
	settings(t, a, "private", replica.Settings{Erasable: true, Strategy: "fields"})
	if s, err := a.Settings(t.Context(), "private"); err != nil || !s.Erasable || s.Strategy != "fields/1" {
		t.Errorf("the settings are %+v, %v", s, err)
	}
	const secret = "a secret that may have to go"
	v := wrote(t)(a.Set(t.Context(), "private/1", map[string]any{"text": secret, "n": 1}))
	wrote(t)(a.Add(t.Context(), "private/count", 7))
	wrote(t)(a.SetAdd(t.Context(), "private/tags", []any{secret}))
	wrote(t)(a.Set(t.Context(), "plain/1", "open"))
	syncPair(t, a, b)
	wrote(t)(a.Set(t.Context(), "private/1", map[string]any{"text": secret, "n": 2}))
	wrote(t)(b.Set(t.Context(), "private/1", map[string]any{"text": secret, "n": 1, "more": true}))
	syncPair(t, a, b)
	sameState(t, a, b)
	for _, r := range replicas {
		if got := valueOf(t, r, "private/1"); got != `{"more":true,"n":2,"text":"`+secret+`"}` {
			t.Errorf("private/1 is %s", got)
		}
		if got := valueOf(t, r.At(v), "private/1"); got != `{"n":1,"text":"`+secret+`"}` {
			t.Errorf("private/1 was %s", got)
		}
		showsTheLog(t, r)
	}
	for _, r := range replicas {
		checkDetached(t, r, secret)
	}
}

// checkDetached looks at the versions that a replica keeps: the content of erasable ops is not part of what is hashed.
func checkDetached(t *testing.T, r *replica.Replica, secret string) {
	t.Helper()
	versions, err := replica.StoredVersions(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	detached := 0
	for _, v := range versions {
		if strings.Contains(string(v.Payload), secret) {
			t.Errorf("the payload of %s spells the secret", v.Stamp().Name())
		}
		detached += len(v.Contents)
	}
	if detached < 4 {
		t.Errorf("%d contents stand beside their versions, want at least 4", detached)
	}
}

// Settings that do not change anything make no version, and wrong ones say what would be right.
func TestSettingsErrors(t *testing.T) {
	r, err := replica.Open(context.Background(), memory.New(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.SetSettings(t.Context(), "n", replica.Settings{Strategy: "lww"}); err != nil || !v.IsZero() {
		t.Errorf("the default as a setting gave %v, %v", v, err)
	}
	for ns, s := range map[string]replica.Settings{
		"n": {Strategy: "no-such"}, ".tag": {Strategy: "lww"}, "a/b": {}, "": {Strategy: "max"}, "n2": {Strategy: "lww/9"},
	} {
		if _, err := r.SetSettings(t.Context(), ns, s); err == nil {
			t.Errorf("SetSettings(%q, %+v) was taken", ns, s)
		}
	}
	if status, err := r.Status(t.Context()); err != nil || status.Versions != 0 {
		t.Errorf("%d versions, %v", status.Versions, err)
	}
}
