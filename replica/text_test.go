package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/store/storetest"
)

const textKey = "notes/shared"

// says asserts what a text is.
func (p *pair) says(text *replica.Text, want string) {
	p.t.Helper()
	if got, err := text.String(p.t.Context()); err != nil || got != want {
		p.t.Fatalf("the text is %q, %v; want %q", got, err, want)
	}
}

// types types text behind what is there.
func (p *pair) types(text *replica.Text, what string) {
	p.t.Helper()
	n, err := text.Len(p.t.Context())
	p.ok(err)
	p.ok(text.Insert(p.t.Context(), n, what))
}

// commits commits what was typed.
func (p *pair) commits(text *replica.Text) replica.Version {
	p.t.Helper()
	v, err := text.Commit(p.t.Context())
	return p.do(v, err)
}

func TestTypedTextIsCommitted(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	text := p.a.Text(textKey)
	p.says(text, "")
	p.types(text, "hello")
	p.types(text, " world")
	p.says(text, "hello world")
	p.shows(p.a, textKey, "")
	v := p.commits(text)
	p.shows(p.a, textKey, `"hello world"`)
	p.ok(text.Splice(ctx, 0, 1, "J"))
	p.ok(text.Delete(ctx, 5, 6))
	p.commits(text)
	p.says(text, "Jello")
	p.shows(p.a.At(v), textKey, `"hello world"`)
	p.sync()
	p.says(p.b.Text(textKey), "Jello")
	p.shows(p.b, textKey, `"Jello"`)

	if again, err := text.Commit(ctx); err != nil || !again.IsZero() {
		t.Errorf("a commit of nothing: %v, %v", again, err)
	}
	var log []string
	for e, err := range p.a.Log(ctx, textKey) {
		p.ok(err)
		for _, op := range e.Ops {
			log = append(log, op.Op+" "+string(op.Value))
		}
	}
	want := []string{
		`text-splice {"inserted":"J","pos":0,"removed":1}`, `text-splice {"inserted":"","pos":5,"removed":6}`,
		`text-splice {"inserted":"hello world","pos":0,"removed":0}`,
	}
	if !slices.Equal(log, want) {
		t.Errorf("log\n%q, want\n%q", log, want)
	}
}

// TestWhenTypedTextIsCommitted: before anything else is written, at a size, after a rest, when the replica is closed.
// A splice that does nothing is checked like others, and leaves nothing to commit: not even the removal of what is left of a text
// that was deleted.
func TestTypingNothing(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	text := p.a.Text(textKey)
	nothing := func(pos int) {
		t.Helper()
		p.ok(text.Splice(ctx, pos, 0, ""))
		if v, err := text.Commit(ctx); err != nil || !v.IsZero() {
			t.Errorf("a commit of nothing: %v, %v", v, err)
		}
	}
	nothing(0)
	p.types(text, "hello")
	p.commits(text)
	nothing(5)
	if err := text.Splice(ctx, 6, 0, ""); !errors.Is(err, sequence.ErrPosition) {
		t.Errorf("nothing, beyond the end: %v", err)
	}
	p.do(p.a.Delete(ctx, textKey))
	nothing(0)
	p.shows(p.a, textKey, "")
}

func TestWhenTypedTextIsCommitted(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	text := p.a.Text(textKey)
	p.types(text, "a")
	p.do(p.a.Set(ctx, "notes/other", 1))
	p.shows(p.a, textKey, `"a"`)
	p.types(text, strings.Repeat("b", 4096))
	p.shows(p.a, textKey, `"a`+strings.Repeat("b", 4096)+`"`)
	p.types(p.a.Text("notes/second"), "c")
	p.types(p.a.Text("notes/third"), "d")
	p.shows(p.a, "notes/second", `"c"`)
	p.shows(p.a, "notes/third", "")
	p.sync() // hands it out
	p.shows(p.b, "notes/third", `"d"`)

	st := memory.New()
	r, err := replica.Open(ctx, st, replica.Options{Typing: replica.Typing{Rest: 5 * time.Millisecond}})
	p.ok(err)
	watched := r.Watch(ctx, "notes/")
	p.ok(r.Text(textKey).Insert(ctx, 0, "rest"))
	for e, err := range watched {
		p.ok(err)
		if string(e.Changes[0].Value) != `"rest"` {
			t.Errorf("the event is %s", e.Changes[0].Value)
		}
		break
	}
	p.ok(r.Text(textKey).Insert(ctx, 4, " and close"))
	p.ok(r.Close())
	if err := r.Text(textKey).Insert(ctx, 0, "x"); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("an insert behind Close: %v", err)
	}
	r, err = replica.Open(ctx, st, replica.Options{})
	p.ok(err)
	p.shows(r, textKey, `"rest and close"`)
	p.ok(r.Close())
}

// TestTextRefuses: what cannot be is refused, and nothing is written.
func TestTextRefuses(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	text := p.a.Text(textKey)
	p.do(p.a.Set(ctx, "notes/register", "a value"))
	try := func(want error, what string, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	for range 2 {
		n, err := text.Len(ctx)
		p.ok(err)
		try(sequence.ErrPosition, "an insert beyond the end", text.Insert(ctx, n+1, "x"))
		try(sequence.ErrPosition, "a negative position", text.Insert(ctx, -1, "x"))
		try(sequence.ErrPosition, "a delete beyond the end", text.Delete(ctx, 0, n+1))
		try(sequence.ErrPosition, "a negative delete", text.Delete(ctx, 0, -1))
		try(sequence.ErrText, "half a surrogate pair", text.Insert(ctx, 0, "\xed\xa0\xbd"))
		try(sequence.ErrText, "a cut character", text.Insert(ctx, 0, "\xe2\x82"))
		p.says(text, strings.Repeat("a𝄞", n/2))
		p.commits(text)
		p.ok(text.Splice(ctx, 0, n, "a𝄞"))
		p.commits(text)
	}
	try(sequence.ErrSurrogate, "an offset inside of a pair", text.SpliceUTF16(ctx, 2, 0, "x"))
	try(sequence.ErrSurrogate, "an end inside of a pair", text.SpliceUTF16(ctx, 0, 2, "x"))
	p.ok(text.SpliceUTF16(ctx, 1, 2, "b"))
	p.says(text, "ab")
	try(replica.ErrWrongKind, "a text where there is a register", p.a.Text("notes/register").Insert(ctx, 0, "x"))
	_, err := p.a.Text("notes/register").String(ctx)
	try(replica.ErrWrongKind, "reading it", err)
	try(replica.ErrReserved, "a text of kdelta's own", p.a.Text(".tag/x").Insert(ctx, 0, "x"))
	p.commits(text)
	_, err = p.a.Set(ctx, textKey, "a value")
	try(replica.ErrWrongKind, "Set on a text", err)
	_, err = p.a.Add(ctx, textKey, 1)
	try(replica.ErrWrongKind, "Add to a text", err)
	_, err = p.a.Update(ctx, func(*replica.Tx) error { return text.Insert(ctx, 0, "x") })
	try(replica.ErrNested, "an insert inside of an Update", err)
	invite, err := p.a.Invite(ctx, replica.InviteOptions{ReadOnly: true})
	p.ok(err)
	r, err := replica.Join(ctx, memory.New(), invite, replica.Options{})
	p.ok(err)
	try(replica.ErrReadOnlyMember, "an insert of who may only read", r.Text(textKey).Insert(ctx, 0, "x"))
	rep, err := p.a.Verify(ctx, nil)
	if err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify: %v, %v", rep.Damage, err)
	}
}

// TestTextMerges: both sides of a merge stay, a delete beside an edit keeps the whole, a text begun anew is a new one.
func TestTextMerges(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a.Text(textKey), p.b.Text(textKey)
	p.types(a, "the quick fox")
	p.commits(a)
	p.sync()
	p.ok(a.Insert(ctx, 10, "brown "))
	p.commits(a)
	p.ok(b.Splice(ctx, 4, 5, "slow"))
	p.commits(b)
	p.sync()
	p.says(a, "the slow brown fox")
	p.says(b, "the slow brown fox")
	conflicts := 0
	for _, err := range p.a.Conflicts(ctx, "") {
		p.ok(err)
		conflicts++
	}
	if conflicts > 0 {
		t.Errorf("%d conflicts", conflicts)
	}

	p.do(p.a.Delete(ctx, textKey))
	p.says(a, "")
	p.types(b, "!")
	p.commits(b)
	p.sync()
	p.says(a, "the slow brown fox!")
	p.says(b, "the slow brown fox!")

	p.do(p.b.Delete(ctx, textKey))
	p.sync()
	p.says(a, "")
	p.types(a, "new")
	p.commits(a)
	p.sync()
	p.says(b, "new")
	p.shows(p.b, textKey, `"new"`)
}

func TestBlameOfText(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a := p.a.Text(textKey)
	p.types(a, "one three")
	first := p.commits(a)
	p.sync()
	b := p.b.Text(textKey)
	p.ok(b.Insert(ctx, 4, "two "))
	second := p.commits(b)
	p.sync()
	lines, err := p.a.Blame(ctx, textKey)
	p.ok(err)
	var got []string
	for _, line := range lines {
		got = append(got, fmt.Sprint(string(line.Value), " ", line.Version))
	}
	want := []string{
		fmt.Sprint(`"one " `, first), fmt.Sprint(`"two " `, second), fmt.Sprint(`"three" `, first),
	}
	if !slices.Equal(got, want) {
		t.Errorf("blame\n%q, want\n%q", got, want)
	}
	changes, err := p.a.Diff(ctx, textKey, first, second)
	if err != nil || len(changes) != 1 || string(changes[0].Old) != `"one three"` || string(changes[0].New) != `"one two three"` {
		t.Errorf("diff: %v, %v", changes, err)
	}
}

// TestTypedOntoManyHeads: where there are more heads than a version can name, others join some of them first, and what was typed is of
// the version behind these.
func TestTypedOntoManyHeads(t *testing.T) {
	ctx := t.Context()
	replicas, _ := newSpace(t, history.MaxDeps+3)
	r := replicas[0]
	text := r.Text(textKey)
	for i, other := range replicas[1:] {
		if _, err := other.Set(ctx, fmt.Sprint("n/", i), i); err != nil {
			t.Fatal(err)
		}
		syncPair(t, r, other)
	}
	for _, word := range []string{"one", "two "} {
		if err := text.Insert(ctx, 0, word); err != nil {
			t.Fatal(err)
		}
	}
	written, err := text.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if written.Seq <= uint64(len("two one")) {
		t.Fatalf("%s is the first version: no heads were joined before", written)
	}
	lines, err := r.Blame(ctx, textKey)
	if err != nil || len(lines) != 1 || lines[0].Version.ID != written.ID {
		t.Errorf("%v, %v, want all by %s", lines, err, written)
	}
}

// TestUndoOfText takes one's own edits back, and leaves what others wrote meanwhile.
func TestUndoOfText(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a.Text(textKey), p.b.Text(textKey)
	p.types(a, "the quick fox")
	first := p.commits(a)
	p.ok(a.Splice(ctx, 4, 5, "lazy red"))
	p.commits(a)
	p.sync()
	p.ok(b.Insert(ctx, 0, "See "))
	p.ok(b.Insert(ctx, 12, " old"))
	p.commits(b)
	p.sync()
	p.says(a, "See the lazy old red fox")
	undo, err := p.a.Undo(ctx)
	p.do(undo.Version, err)
	p.sync()
	p.says(a, "See the quick old fox")
	p.says(b, "See the quick old fox")
	p.do(p.a.Revert(ctx, textKey, first))
	p.says(a, "the quick fox")
	p.do(p.a.Delete(ctx, textKey))
	undo, err = p.a.Undo(ctx)
	p.do(undo.Version, err)
	p.says(a, "the quick fox")
	p.sync()
	p.shows(p.b, textKey, `"the quick fox"`)
}

// TestUndoOfBegunText: who began a text takes only his own part back, where somebody else began it too, the first time or anew.
func TestUndoOfBegunText(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a.Text(textKey), p.b.Text(textKey)
	undo := func() {
		t.Helper()
		undo, err := p.a.Undo(ctx)
		p.do(undo.Version, err)
	}
	p.types(a, "alone")
	p.commits(a)
	undo()
	p.shows(p.a, textKey, "")
	for range 2 {
		p.sync()
		p.types(a, "mine")
		p.commits(a)
		p.types(b, "theirs")
		p.commits(b)
		p.sync()
		undo()
		p.sync()
		p.says(a, "theirs")
		p.says(b, "theirs")
		p.do(p.a.Delete(ctx, textKey))
	}
}

func TestAnchors(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a.Text(textKey), p.b.Text(textKey)
	p.types(a, "the fox")
	at, err := a.Anchor(ctx, 4, sequence.Before)
	p.ok(err)
	p.sync()
	p.ok(b.Insert(ctx, 4, "brown "))
	p.commits(b)
	p.sync()
	for _, text := range []*replica.Text{a, b} {
		if pos, err := text.Position(ctx, at); err != nil || pos != 10 {
			t.Errorf("the anchor is at %d, %v", pos, err)
		}
	}
	p.ok(b.Delete(ctx, 4, 9))
	p.commits(b)
	p.sync()
	if pos, err := a.Position(ctx, at); err != nil || pos != 4 {
		t.Errorf("behind what was removed the anchor is at %d, %v", pos, err)
	}
	reader, err := a.Reader(ctx)
	p.ok(err)
	if whole, err := io.ReadAll(reader); err != nil || string(whole) != "the " {
		t.Errorf("read %q, %v", whole, err)
	}
}

// TestEditsTell has one loop hear of what another Text and another replica do.
func TestEditsTell(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, other, b := p.a.Text(textKey), p.a.Text(textKey), p.b.Text(textKey)
	p.types(a, "one")
	p.commits(a)
	p.sync()
	steps := []func(){
		func() { p.types(other, " two") },
		func() { p.ok(a.Insert(ctx, 0, "zero ")); p.ok(other.Delete(ctx, 0, 5)) },
		func() {
			p.commits(a)
			p.sync()
			p.types(b, " three")
			p.commits(b)
			p.sync()
		},
		func() { p.types(other, "?") },
		other.Discard,
	}
	want := [][]sequence.Edit{
		{{Text: "one"}},
		{{Pos: 3, Text: " two"}},
		{{Removed: 5}},
		{{Pos: 7, Text: " three"}},
		{{Pos: 13, Text: "?"}},
		{{Pos: 13, Removed: 1}},
	}
	var got [][]sequence.Edit
	for edits, err := range a.Edits(ctx) {
		p.ok(err)
		if got = append(got, edits); len(steps) == 0 {
			break
		}
		steps[0]()
		steps = steps[1:]
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// TestTextOutlivesFailedCommits: what a commit that failed had written is typed text again.
func TestTextOutlivesFailedCommits(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	for _, after := range []bool{false, true} {
		plan := storetest.Plan{{Site: storetest.Commit, Nth: 2, Times: 2, After: after, Err: store.ErrFull}}
		r, err := replica.Open(ctx, storetest.Faulty(memory.New(), plan), replica.Options{Typing: replica.Typing{Rest: -1}})
		p.ok(err)
		text := r.Text(textKey)
		p.types(text, "one")
		p.commits(text)
		p.types(text, " two")
		if _, err := text.Commit(ctx); !errors.Is(err, store.ErrFull) {
			t.Fatalf("a commit on a full disk: %v", err)
		}
		p.types(text, " and")
		if _, err := r.Set(ctx, "notes/other", 0); !errors.Is(err, store.ErrFull) {
			t.Fatalf("a write on a full disk: %v", err)
		}
		p.says(text, "one two and")
		p.types(text, " thr")
		p.types(text, "ee")
		p.do(r.Set(ctx, "notes/other", 1))
		p.says(text, "one two and three")
		p.shows(r, textKey, `"one two and three"`)
		p.types(text, " four")
		text.Discard()
		p.says(text, "one two and three")
		if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) > 0 {
			t.Errorf("verify: %v, %v", rep.Damage, err)
		}
	}
}

// TestErasedText: what was erased is that many U+FFFD, here and where it is synced, and what was written around it stays.
func TestErasedText(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	p.do(p.a.SetSettings(ctx, "mail", replica.Settings{Erasable: true}))
	a, b := p.a.Text("mail/1"), p.b.Text("mail/1")
	p.types(a, "before ")
	p.commits(a)
	p.types(a, "secret")
	secret := p.commits(a)
	p.sync()
	p.types(b, " after")
	p.commits(b)
	p.says(b, "before secret after")
	_, err := p.a.Erase(ctx, "mail/1", replica.OfVersion(secret))
	p.ok(err)
	p.sync()
	want := "before " + strings.Repeat("\uFFFD", 6) + " after"
	p.says(a, want)
	p.says(b, want)
	p.shows(p.b, "mail/1", `"`+want+`"`)
	for _, r := range []*replica.Replica{p.a, p.b} {
		if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) > 0 {
			t.Errorf("verify: %v, %v", rep.Damage, err)
		}
	}
}

// TestTextOfTwoProcesses has two replicas type into one file, as two processes do.
func TestTextOfTwoProcesses(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "shared.db")
	var texts [2]*replica.Text
	var replicas [2]*replica.Replica
	for i := range texts {
		st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
		check(err)
		t.Cleanup(func() { check(st.Close()) })
		r, err := replica.Open(ctx, st, replica.Options{Typing: replica.Typing{Rest: -1}})
		check(err)
		t.Cleanup(func() { check(r.Close()) })
		texts[i], replicas[i] = r.Text(textKey), r
	}
	says := func(i int, want string) {
		t.Helper()
		if got, err := texts[i].String(ctx); err != nil || got != want {
			t.Fatalf("process %d sees %q, %v; want %q", i, got, err, want)
		}
	}
	check(texts[0].Insert(ctx, 0, "the fox"))
	must(texts[0].Commit(ctx))
	says(1, "the fox")
	check(texts[0].Insert(ctx, 4, "quick "))
	check(texts[1].Splice(ctx, 4, 3, "dog"))
	says(0, "the quick fox")
	says(1, "the dog")
	must(texts[1].Commit(ctx))
	must(texts[0].Commit(ctx))
	says(0, "the quick dog")
	says(1, "the quick dog")
	check(texts[0].Insert(ctx, 13, "!"))
	must(replicas[1].Delete(ctx, textKey))
	must(replicas[1].Set(ctx, textKey, "a value"))
	if _, err := texts[0].Commit(ctx); !errors.Is(err, replica.ErrWrongKind) {
		t.Errorf("a commit where there is a register by now: %v", err)
	}
	must(replicas[0].Set(ctx, "notes/other", 1)) // the others are not held up
	texts[0].Discard()
}

// TestTextsOfManyGoroutines has goroutines type into two texts, read, write other keys and sync, all at once.
func TestTextsOfManyGoroutines(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	p.types(p.a.Text("notes/0"), "0")
	p.types(p.a.Text("notes/1"), "1")
	p.sync()
	const each = 60
	var typing sync.WaitGroup
	for i, r := range []*replica.Replica{p.a, p.a, p.b, p.b} {
		typing.Go(func() {
			text := r.Text(fmt.Sprint("notes/", i%2))
			for n := range each {
				check(text.Insert(ctx, 0, "x"))
				switch n % 20 {
				case 7:
					must(text.Commit(ctx))
				case 13:
					must(r.Set(ctx, "notes/other", n))
				case 17:
					must(r.Get(ctx, text.Key(), nil))
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10 {
			_, _, err := replica.SyncPair(ctx, p.a, p.b)
			check(err)
		}
	}()
	loop, quit := context.WithCancel(ctx)
	told := make(chan int)
	go func() {
		n := 0
		for edits, err := range p.b.Text("notes/0").Edits(loop) {
			if err != nil {
				break // quit
			}
			for _, e := range edits {
				n += len(e.Text) - e.Removed
			}
			if n == 2*each+1 {
				quit()
			}
		}
		told <- n
	}()
	typing.Wait()
	<-done
	p.sync()
	p.says(p.b.Text("notes/0"), strings.Repeat("x", 2*each)+"0")
	p.says(p.a.Text("notes/1"), strings.Repeat("x", 2*each)+"1")
	if n := <-told; n != 2*each+1 {
		t.Errorf("the loop was told of %d code points, want %d", n, 2*each+1)
	}
}
