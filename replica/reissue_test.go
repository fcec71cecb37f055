package replica_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

// verified fails unless Verify finds nothing.
func verified(t testing.TB, replicas ...*replica.Replica) {
	t.Helper()
	for i, r := range replicas {
		rep, err := r.Verify(context.Background(), nil)
		if err != nil || len(rep.Damage) > 0 {
			t.Errorf("replica %d: %v, %q", i, err, rep.Damage)
		}
	}
}

// copied is an original, a copy of it that cannot tell, and a third replica that has the original's next versions. What the
// copy writes from here on is a tail that has to be written again once it meets the third.
type copied struct {
	*pair
	third *replica.Replica
	disk  *memory.Store
}

func newCopied(t *testing.T, before ...func(third *replica.Replica)) *copied {
	t.Helper()
	p := newPair(t)
	opts := replica.Options{Wall: p.wall}
	disk := memory.New()
	var err error
	invite, err := p.b.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	original, err := replica.Join(t.Context(), disk, invite, opts)
	p.ok(err)
	p.a = original
	p.do(p.a.SetName(t.Context(), "laptop", "Ada"))
	p.do(p.a.Set(t.Context(), "notes/1", "first"))
	p.do(p.a.Add(t.Context(), "stats/n", 1))
	p.sync()
	p.do(p.a.Set(t.Context(), "notes/before", "the copy"))
	p.do(p.a.Add(t.Context(), "stats/n", 10))
	c := &copied{pair: p, third: p.b, disk: disk.Clone()}
	c.a, err = replica.Open(t.Context(), c.disk, opts)
	p.ok(err)
	p.do(original.Add(t.Context(), "stats/n", 100))
	p.do(original.Set(t.Context(), "notes/2", "of the original"))
	for _, play := range before {
		play(c.third)
	}
	_, _, err = replica.SyncPair(t.Context(), original, c.third)
	p.ok(err)
	return c
}

// joined is another replica of the space.
func (c *copied) joined(disk *memory.Store) *replica.Replica {
	c.t.Helper()
	invite, err := c.third.Invite(c.t.Context(), replica.InviteOptions{})
	c.ok(err)
	r, err := replica.Join(c.t.Context(), disk, invite, replica.Options{Wall: c.wall})
	c.ok(err)
	return r
}

// meet lets the copy meet the third, until both hold the same.
func (c *copied) meet() {
	c.t.Helper()
	syncPair(c.t, c.a, c.third)
	sameState(c.t, c.a, c.third)
	for _, r := range []*replica.Replica{c.a, c.third} {
		showsTheLog(c.t, r)
		if st, err := r.Status(c.t.Context()); err != nil || len(st.Forks) > 0 || len(st.Pending) > 0 {
			c.t.Errorf("forks %v, pending %v, %v", st.Forks, st.Pending, err)
		}
	}
	verified(c.t, c.a, c.third)
}

// again is the version that stands for one of the tail.
func (c *copied) again(v replica.Version) replica.LogEntry {
	c.t.Helper()
	now, err := c.a.Current(c.t.Context(), v)
	c.ok(err)
	if now.ID == v.ID || now.Author == v.Author {
		c.t.Errorf("%s was not written again", v)
	}
	return historyOf(c.t, c.third)[now.ID.String()]
}

// erasedInTheTail is a tail in which a value was erased.
func erasedInTheTail(c *copied) {
	ctx := c.t.Context()
	c.do(c.a.SetSettings(ctx, "mail", replica.Settings{Strategy: "lww", Erasable: true}))
	v := c.do(c.a.Set(ctx, "mail/1", "secret"))
	c.do(c.a.Set(ctx, "mail/2", "not secret"))
	done, err := c.a.Erase(ctx, "mail/1")
	c.ok(err)
	c.do(c.a.Set(ctx, "mail/3", "later"))
	c.meet()
	if e := c.again(v); len(e.Ops) != 1 || !e.Ops[0].Erased {
		c.t.Errorf("it was written again as %+v", e)
	}
	if e := c.again(done.Versions[0]); len(e.Ops) != 1 || e.Ops[0].Op != "erase" {
		c.t.Errorf("the erase was written again as %+v", e)
	}
	c.shows(c.third, "mail/1", "")
	c.shows(c.third, "mail/2", `"not secret"`)
	c.shows(c.third, "mail/3", `"later"`)
}

// Whatever was in the tail comes out of it as it was: values, messages, transactions, and what it says of itself.
func TestTailIsWrittenAgain(t *testing.T) {
	ctx := t.Context()
	for name, play := range map[string]func(c *copied){
		"values": func(c *copied) {
			v := c.do(c.a.Set(ctx, "notes/1", "over", replica.Message("why not")))
			c.do(c.a.Set(ctx, "notes/2", "of the copy"))
			c.meet()
			if e := c.again(v); e.Message != "why not" || len(e.Ops) != 1 || e.Time != v.Time {
				c.t.Errorf("it was written again as %+v", e)
			}
			c.shows(c.third, "notes/1", `"over"`)
			c.shows(c.third, "notes/2", `"of the copy"`)
			if open := c.conflicts(c.third, "notes/2", false); len(open) != 1 {
				c.t.Errorf("the two branches are no conflict: %v", open)
			}
		},
		"counters and sets": func(c *copied) {
			for range 40 { // a checkpoint lies in the tail
				c.do(c.a.Add(ctx, "stats/n", 1000))
				c.do(c.a.SetAdd(ctx, "lists/1", []any{"x", 1}))
			}
			c.do(c.a.SetRemove(ctx, "lists/1", []any{1}))
			c.meet()
			c.shows(c.third, "stats/n", "40111")
			c.shows(c.third, "lists/1", `["x"]`)
		},
		"what was erased, and the erase": erasedInTheTail,
		"a transaction": func(c *copied) {
			v := c.do(c.a.Update(ctx, func(tx *replica.Tx) error {
				return errors.Join(tx.Set("notes/a", 1), tx.Add("stats/n", 5), tx.Delete("notes/1"))
			}))
			c.meet()
			if e := c.again(v); len(e.Ops) != 3 {
				c.t.Errorf("it was written again as %+v", e)
			}
			c.shows(c.third, "notes/1", "")
			c.shows(c.third, "stats/n", "116")
		},
		"settings and erasable content": func(c *copied) {
			c.do(c.a.SetSettings(ctx, "films", replica.Settings{Strategy: "fields", Erasable: true}))
			c.do(c.a.Set(ctx, "films/1", object{"title": "Fargo", "year": 1996}))
			c.do(c.a.Set(ctx, "films/1", object{"title": "Fargo", "year": 1997}))
			c.meet()
			c.shows(c.third, "films/1", `{"title":"Fargo","year":1997}`)
		},
		"a tag": func(c *copied) {
			c.do(c.a.Set(ctx, "notes/1", "tagged"))
			c.do(c.a.Tag(ctx, "release", nil))
			c.do(c.a.Set(ctx, "notes/1", "later"))
			c.meet()
			c.shows(c.third.At(replica.Tag("release")), "notes/1", `"tagged"`)
		},
		"an undo": func(c *copied) {
			c.do(c.a.Set(ctx, "notes/1", "second"))
			c.do(c.a.Set(ctx, "notes/1", "third"))
			c.undo()
			c.meet()
			c.shows(c.third, "notes/1", `"second"`)
			c.undo() // it knows that "third" is undone already
			c.shows(c.a, "notes/1", `"first"`)
		},
		"a point, a base and a condition": func(c *copied) {
			c.do(c.a.SetSettings(ctx, "films", replica.Settings{Strategy: "fields"}))
			c.do(c.a.Set(ctx, "films/1", object{"title": "Fargo", "seen": false}))
			read, err := c.a.Get(ctx, "films/1", nil)
			c.ok(err)
			c.meet()
			c.shows(c.a.At(read), "films/1", `{"seen":false,"title":"Fargo"}`)
			c.do(c.third.Set(ctx, "films/1", object{"title": "Fargo", "seen": true}))
			c.meet()
			c.do(c.a.Set(ctx, "films/1", object{"title": "fargo", "seen": false}, replica.From(read)))
			c.shows(c.a, "films/1", `{"seen":true,"title":"fargo"}`)
			v := c.do(c.a.Set(ctx, "notes/cas", 1))
			c.do(c.a.Set(ctx, "notes/cas", 2, replica.IfVersion(v)))
		},
		"a watch": func(c *copied) {
			watching, stop := context.WithCancel(ctx)
			defer stop()
			events := c.a.Watch(watching, "notes/")
			v := c.do(c.a.Set(ctx, "notes/1", "seen"))
			c.meet()
			now := c.again(v)
			told := map[string]string{}
			for e, err := range events {
				if err != nil {
					break
				}
				told[e.Version.String()] = string(e.Changes[0].Value)
				if e.Version.ID == now.ID {
					stop()
				}
			}
			if told[now.String()] != `"seen"` {
				c.t.Errorf("the watcher heard %v, and not of %s", told, now.Version)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCopied(t)
			play(c)
			all, err := c.a.Reissues(ctx)
			c.ok(err)
			if len(all) != 1 || all[0].Why != "fork" || all[0].Versions == 0 {
				t.Errorf("reissues: %v", all)
			}
		})
	}
}

// A conflict that the tail resolved stays resolved, although a side of it has another name. The copy hears of the other
// side in a session that is cut before it hears of the fork.
func TestResolutionIsWrittenAgain(t *testing.T) {
	ctx := t.Context()
	c := newCopied(t, func(third *replica.Replica) {
		wrote(t)(third.Set(ctx, "notes/7", strings.Repeat("theirs ", 145_000))) // a frame of its own
	})
	mine := c.do(c.a.Set(ctx, "notes/7", "mine"))
	session, peer := c.a.Session(ctx), c.third.Session(ctx)
	for session.Report().Received.Packs == 0 {
		frame, err := peer.Next()
		if c.ok(err); frame != nil {
			c.ok(session.Receive(frame))
		}
		if session.Report().Received.Packs > 0 {
			break
		}
		frame, err = session.Next()
		if c.ok(err); frame != nil {
			c.ok(peer.Receive(frame))
		}
	}
	for _, s := range []interface{ Close() error }{session, peer} {
		if err := s.Close(); !errors.Is(err, protocol.ErrCut) {
			t.Errorf("the session ended in %v", err)
		}
	}
	if open := c.conflicts(c.a, "notes/7", false); len(open) != 1 {
		t.Fatalf("conflicts: %+v", open)
	}
	c.do(c.a.ResolveTake(ctx, "notes/7", mine))
	c.meet()
	c.again(mine)
	for _, r := range []*replica.Replica{c.a, c.third} {
		c.shows(r, "notes/7", `"mine"`)
		if all := c.conflicts(r, "notes/7", true); len(all) != 1 || all[0].Status != "resolved" {
			t.Errorf("conflicts: %+v", all)
		}
	}
}

func TestWhyOfAVersionThatWasWrittenAgain(t *testing.T) {
	c := newCopied(t)
	c.do(c.a.Update(t.Context(), func(tx *replica.Tx) error { return errors.Join(tx.Set("notes/8", 1), tx.Set("notes/9", 1)) }))
	c.do(c.a.Set(t.Context(), "notes/8", 2))
	v := c.do(c.a.Set(t.Context(), "notes/8", 3))
	c.meet()
	now, err := c.a.Current(t.Context(), v)
	c.ok(err)
	for _, text := range []string{v.String(), "laptop@" + fmt.Sprint(v.Seq), v.ID.String(), v.ID.String()[:12]} {
		why, err := c.a.Why(t.Context(), text)
		if err != nil || !strings.Contains(why[0], "re-issued as "+now.String()+". ") || !strings.Contains(why[0], "copy of this database") {
			t.Errorf("why %s: %v, %q", text, err, why)
		}
	}
	if _, err := c.third.Current(t.Context(), v); !errors.Is(err, replica.ErrPoint) {
		t.Errorf("the third never heard of %s, and says %v", v, err)
	}
}

// What somebody has, or what something stands on that somebody has, is not written again.
func TestWhatLeftStays(t *testing.T) {
	c := newCopied(t)
	ctx := t.Context()
	fourth := c.joined(memory.New())
	handed := c.do(c.a.Add(ctx, "stats/n", 1000))
	syncPair(t, c.a, fourth)
	tail := c.do(c.a.Add(ctx, "stats/n", 10000))
	syncAll(t, c.a, c.third, fourth)
	sameState(t, c.a, c.third, fourth)
	c.shows(c.third, "stats/n", "11111")
	if now, err := c.a.Current(ctx, handed); err != nil || now.ID != handed.ID {
		t.Errorf("%s had left, and is %s now, %v", handed, now, err)
	}
	c.again(tail)
	if st, err := c.a.Status(ctx); err != nil || len(st.Forks) != 1 {
		t.Errorf("forks: %v, %v", st.Forks, err)
	}
	verified(t, c.a, c.third, fourth)
}

// A backup leaves the device as well.
func TestBackedUpTailStays(t *testing.T) {
	c := newCopied(t)
	var backup strings.Builder
	v := c.do(c.a.Add(t.Context(), "stats/n", 1000))
	_, err := c.a.Backup(t.Context(), &backup, replica.BackupOptions{})
	c.ok(err)
	syncPair(t, c.a, c.third)
	if now, err := c.a.Current(t.Context(), v); err != nil || now.ID != v.ID {
		t.Errorf("%s is in a backup, and is %s now, %v", v, now, err)
	}
	restored, _, err := replica.Restore(t.Context(), memory.New(), strings.NewReader(backup.String()), replica.Options{}, nil)
	c.ok(err)
	syncAll(t, c.a, c.third, restored)
	c.shows(restored, "stats/n", "1111")
}

// A process that dies anywhere while it writes again leaves the old or the new, and goes on from there.
func TestReissueDiesAnywhere(t *testing.T) {
	c := newCopied(t)
	ctx := t.Context()
	c.do(c.a.Set(ctx, "notes/1", "tail"))
	c.do(c.a.Add(ctx, "stats/n", 1000))
	c.do(c.a.Set(ctx, "notes/own", "tail"))
	thirdDisk := memory.New()
	third := c.joined(thirdDisk)
	syncPair(t, c.third, third)
	states := map[string]bool{}
	for _, site := range []storetest.Site{storetest.Write, storetest.Commit, storetest.Begin} {
		for nth, more := 1, true; more; nth++ {
			for _, after := range []bool{false, true} {
				disk := c.disk.Clone()
				faulty := storetest.Faulty(disk, storetest.Plan{{Site: site, Nth: nth, After: after, Err: storetest.ErrCrashed}})
				r, err := replica.Open(ctx, faulty, replica.Options{Wall: c.wall})
				c.ok(err)
				other, err := replica.Open(ctx, thirdDisk.Clone(), replica.Options{Wall: c.wall})
				c.ok(err)
				_, _, err = replica.SyncPair(ctx, r, other)
				if more = faulty.Crashed(); more && !errors.Is(err, storetest.ErrCrashed) {
					t.Fatalf("%s %d: %v", site, nth, err)
				}
				r, err = replica.Open(ctx, disk, replica.Options{Wall: c.wall})
				c.ok(err)
				verified(t, r)
				all, err := r.Reissues(ctx)
				c.ok(err)
				states[fmt.Sprint(len(all), " ", shown(t, r, "notes/own"))] = true
				syncPair(t, r, other)
				sameState(t, r, other)
				c.shows(other, "stats/n", "1111")
				if t.Failed() {
					t.Fatalf("%s %d after %v", site, nth, after)
				}
			}
		}
	}
	if len(states) != 2 || !states[`0 "tail"`] || !states[`1 "tail"`] {
		t.Errorf("after the crashes there were %v", states)
	}
}

// Another process that has the file open, with its caches full, notices.
func TestReissueByAnotherProcess(t *testing.T) {
	c := rolledBack(t, func(c *copies, saved string) {
		copyOver(c.t, saved, c.path("original"))
		copyOver(c.t, sidecarOf(saved), sidecarOf(c.path("original")))
	})
	one, two := c.open("original"), c.open("original")
	for i := range 40 {
		v := wrote(t)(two.Set(t.Context(), "own/many", i))
		c.acked[v.ID.String()] = "tail"
	}
	c.write(two, "of the second process")
	before := historyOf(t, two.Replica)
	read, err := two.Get(t.Context(), "own/many", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range two.Log(t.Context(), "own/many") { // holds a snapshot of before
		if err != nil {
			t.Fatal(err)
		}
		if all, err := one.Reissues(t.Context()); err != nil {
			t.Fatal(err)
		} else if len(all) == 0 {
			syncPair(t, one.Replica, c.third.Replica)
		}
	}
	if all, err := two.Reissues(t.Context()); err != nil || len(all) != 1 || all[0].Versions != 43 {
		t.Fatalf("%v, %v", all, err)
	}
	if after := historyOf(t, two.Replica); len(after) != len(before)+3 {
		t.Errorf("%d versions, and then %d", len(before), len(after))
	}
	showsTheLog(t, two.Replica)
	c.write(two, "later")
	if _, err := two.Set(t.Context(), "own/many", "cas", replica.IfVersion(read)); err != nil {
		t.Errorf("a condition on what stands for the version that was read: %v", err)
	}
	c.write(one, "later still")
	sameState(t, one.Replica, two.Replica)
	verified(t, one.Replica, two.Replica)
	c.settle(one)
	c.goOn(one)
}

// clocked is a replica with a clock of its own and a peer whose clock is right.
func clocked(t *testing.T) (mine, right *handWall, a, b *replica.Replica) {
	t.Helper()
	mine, right = &handWall{}, &handWall{}
	mine.ms.Store(pairStart.UnixMilli())
	right.ms.Store(pairStart.UnixMilli())
	replicas, _ := newSpace(t, 2, replica.Options{Wall: mine}, replica.Options{Wall: right})
	wrote(t)(replicas[0].Set(t.Context(), "notes/1", "before"))
	syncPair(t, replicas[0], replicas[1])
	return mine, right, replicas[0], replicas[1]
}

const tenYears = 10 * 365 * 24 * time.Hour

func TestWrongClockIsCorrected(t *testing.T) {
	mine, right, a, b := clocked(t)
	ctx := t.Context()
	mine.move(time.Minute)
	kept := wrote(t)(a.Set(ctx, "notes/2", "when the clock was right"))
	mine.move(tenYears)
	right.move(time.Hour)
	var last replica.Version
	for i := range 3 {
		mine.move(time.Minute)
		last = wrote(t)(a.Add(ctx, "stats/n", int64(1+i)))
	}
	wrote(t)(b.Set(ctx, "notes/2", "later"))
	syncPair(t, a, b)
	sameState(t, a, b)
	verified(t, a, b)
	if v := valueOf(t, b, "stats/n"); v != "6" {
		t.Errorf("the counter is %s", v)
	}
	if v := valueOf(t, a, "notes/2"); v != `"later"` {
		t.Errorf("what was written ten years ahead of time hides %s", v)
	}
	now, err := a.Current(ctx, last)
	if err != nil || now.Wall().After(time.UnixMilli(right.Now())) {
		t.Errorf("%s has the time %s, %v", now, now.Wall(), err)
	}
	if first, err := a.Current(ctx, kept); err != nil || first.Time.Millis() != kept.Time.Millis() {
		t.Errorf("%s had a good time and has %s now, %v", kept, first.Wall(), err)
	}
	st, err := a.Status(ctx)
	if err != nil || len(st.Reissues) != 1 || st.Reissues[0].Why != "clock" || st.Reissues[0].Versions != 4 || len(st.Notes) != 1 {
		t.Errorf("reissues %v, notes %q, %v", st.Reissues, st.Notes, err)
	}
	// The clock is still wrong: what is written now is its own tail, and what has left stays.
	v := wrote(t)(a.Set(ctx, "notes/3", 1))
	syncPair(t, a, b)
	if still, err := a.Current(ctx, last); err != nil || still.ID != now.ID {
		t.Errorf("%s had left, and is %s now, %v", now, still, err)
	}
	if again, err := a.Current(ctx, v); err != nil || again.Wall().After(time.UnixMilli(right.Now())) {
		t.Errorf("%s has the time %s, %v", again, again.Wall(), err)
	}
}

// A clock that was ahead and was set right before anybody was met has left its times behind.
func TestTailOfAClockThatWasSetRight(t *testing.T) {
	mine, _, a, b := clocked(t)
	ctx := t.Context()
	mine.move(tenYears)
	early := wrote(t)(a.Set(ctx, "notes/2", "ten years ahead"))
	mine.move(-tenYears)
	late := wrote(t)(a.Add(ctx, "stats/n", 1))
	syncPair(t, a, b)
	sameState(t, a, b)
	verified(t, a, b)
	for _, v := range []replica.Version{early, late} {
		if now, err := a.Current(ctx, v); err != nil || now.ID == v.ID || now.Wall().After(time.UnixMilli(mine.Now())) {
			t.Errorf("%s of %s is %s of %s, %v", v, v.Wall(), now, now.Wall(), err)
		}
	}
	syncPair(t, a, b)
	if all, err := a.Reissues(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// What is written in the session in which times were corrected, by a clock that is right by now, goes on in it.
func TestLiveBehindAClockThatWasSetRight(t *testing.T) {
	mine, _, a, b := clocked(t)
	ctx := t.Context()
	mine.move(tenYears)
	wrote(t)(a.Set(ctx, "notes/2", "ten years ahead"))
	mine.move(-tenYears)
	sa, sb := a.LiveSession(ctx), b.LiveSession(ctx)
	talk(t, sa, sb)
	wrote(t)(a.Set(ctx, "notes/3", "in time"))
	talk(t, sa, sb)
	if got := shown(t, b, "notes/3"); got != `"in time"` {
		t.Errorf("b has %s", got)
	}
	sameState(t, a, b)
	for _, s := range []*protocol.Session{sa, sb} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Whoever reads meanwhile sees one database or the other, by every cache there is.
func TestReadersWhileVersionsAreWrittenAgain(t *testing.T) {
	mine, right, a, b := clocked(t)
	ctx := t.Context()
	mine.move(tenYears)
	wrote(t)(a.Add(ctx, "stats/n", 1)) // before anybody reads its log
	var wg sync.WaitGroup
	done := make(chan struct{})
	read := func(look func(v replica.Version) error) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				v, err := a.Get(ctx, "notes/1", nil)
				if err = errors.Join(err, look(v)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	read(func(v replica.Version) error {
		_, err := a.At(v).Get(ctx, "notes/1", nil)
		return err
	})
	read(func(replica.Version) error {
		for e, err := range a.Log(ctx, "stats/n", replica.LogQuery{Limit: 5}) {
			if err != nil {
				return err
			}
			if _, err := a.At(e.Version).Get(ctx, "notes/1", nil); err != nil {
				return fmt.Errorf("at %s: %w", e.Version, err)
			}
		}
		return nil
	})
	read(func(v replica.Version) error {
		_, err := a.Set(ctx, "films/1", object{"n": v.Seq}, replica.From(v))
		return err
	})
	for i := range 8 {
		mine.move(time.Minute)
		right.move(time.Minute)
		wrote(t)(a.Set(ctx, "notes/1", i))
		wrote(t)(a.Add(ctx, "stats/n", 1))
		wrote(t)(b.Set(ctx, "notes/1", -i))
		if _, _, err := replica.SyncPair(ctx, a, b); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wg.Wait()
	syncPair(t, a, b)
	sameState(t, a, b)
	verified(t, a, b)
	if all, err := a.Reissues(ctx); err != nil || len(all) < 6 {
		t.Errorf("%d reissues, %v", len(all), err)
	}
	if v := valueOf(t, b, "stats/n"); v != "9" {
		t.Errorf("the counter is %s, want 9", v)
	}
}

// A peer is believed only if its clock is not behind what others have written, nor more often than once for a tail.
func TestClockThatIsBehindIsNotBelieved(t *testing.T) {
	mine, right, a, b := clocked(t)
	ctx := t.Context()
	mine.move(time.Hour)
	right.move(time.Hour)
	wrote(t)(b.Set(ctx, "notes/2", "an hour later"))
	syncPair(t, a, b)
	right.ms.Store(pairStart.Add(-tenYears).UnixMilli())
	v := wrote(t)(a.Set(ctx, "notes/3", 1))
	syncPair(t, a, b)
	if now, err := a.Current(ctx, v); err != nil || now.ID != v.ID {
		t.Errorf("%s was written again as %s, %v", v, now, err)
	}
	mine.move(time.Hour)
	right.ms.Store(pairStart.Add(2 * time.Hour).Add(-time.Minute).UnixMilli())
	v = wrote(t)(a.Set(ctx, "notes/3", 2))
	syncPair(t, a, b)
	if now, err := a.Current(ctx, v); err != nil || now.ID != v.ID {
		t.Errorf("a minute is not worth it: %s was written again as %s, %v", v, now, err)
	}
}

func TestTailIsCorrectedOnce(t *testing.T) {
	mine, right, a, b := clocked(t)
	mine.move(2 * tenYears)
	wrote(t)(a.Set(t.Context(), "notes/1", "tail"))
	for i, back := range []time.Duration{0, -time.Hour, -2 * time.Hour} {
		right.ms.Store(pairStart.Add(3 * time.Hour).Add(back).UnixMilli())
		// The peers say hello, and the line is cut before anything is handed out.
		mineSays, theirs := a.Session(t.Context()), b.Session(t.Context())
		frame, err := theirs.Next()
		if err == nil {
			_, err = mineSays.Next()
		}
		if err = errors.Join(err, mineSays.Receive(frame)); err != nil {
			t.Fatal(err)
		}
		_, _ = mineSays.Close(), theirs.Close() // they are cut
		if all, err := a.Reissues(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("after hello %d: %v, %v", i, all, err)
		}
	}
	syncPair(t, a, b)
	sameState(t, a, b)
}

func TestReissueTellsThatStoresFail(t *testing.T) {
	c := newCopied(t)
	c.do(c.a.Set(t.Context(), "notes/1", "tail"))
	faulty := storetest.Faulty(c.disk.Clone(), storetest.Plan{{Site: storetest.Write, Nth: 5, Err: store.ErrFull}})
	r, err := replica.Open(t.Context(), faulty, replica.Options{Wall: c.wall})
	c.ok(err)
	if _, _, err := replica.SyncPair(t.Context(), r, c.third); !errors.Is(err, store.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	syncPair(t, r, c.third)
	sameState(t, r, c.third)
	verified(t, r)
}

// Random histories of an original, copies of it and others: all come to hold the same, each add counts once, and every
// value that was acknowledged is there. A copy is made of a database whose tail is in no other copy: where two copies hold
// a tail that never left, nobody can know (see doc/decisions).
func TestReissueProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &rewriting{t: t, rt: rt, wall: &handWall{}}
		p.wall.ms.Store(pairStart.UnixMilli())
		p.begin()
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			p.step()
		}
		p.end()
	})
}

// rewriting is a random history of some replicas, of which those on disks can be copied.
type rewriting struct {
	t        *testing.T
	rt       *rapid.T
	wall     *handWall
	replicas []*replica.Replica
	disks    []*memory.Store
	adds     int64
	labels   int
}

func (p *rewriting) ok(err error) {
	if err != nil {
		p.rt.Fatal(err)
	}
}

func (p *rewriting) begin() {
	var invite string
	for i := range 3 {
		disk := memory.New()
		var r *replica.Replica
		var err error
		if i == 0 {
			r, err = replica.Open(p.t.Context(), disk, replica.Options{Wall: p.wall})
			p.ok(err)
			invite, err = r.Invite(p.t.Context(), replica.InviteOptions{})
		} else {
			r, err = replica.Join(p.t.Context(), disk, invite, replica.Options{Wall: p.wall})
		}
		p.ok(err)
		p.replicas, p.disks = append(p.replicas, r), append(p.disks, disk)
	}
}

func (p *rewriting) sync(a, b *replica.Replica) {
	if a == b {
		return
	}
	_, _, err := replica.SyncPair(p.t.Context(), a, b)
	p.ok(err)
}

func (p *rewriting) step() {
	i := rapid.IntRange(0, len(p.replicas)-1).Draw(p.rt, "who")
	r, ctx := p.replicas[i], p.t.Context()
	p.wall.move(time.Second)
	switch n := rapid.IntRange(0, 9).Draw(p.rt, "what"); {
	case n < 4:
		p.labels++
		p.adds++
		_, err := r.Update(ctx, func(tx *replica.Tx) error {
			return errors.Join(tx.Set(fmt.Sprint("own/", p.labels), p.labels), tx.Add("stats/n", 1),
				tx.Set("shared/1", p.labels), tx.SetAdd("shared/2", p.labels))
		})
		p.ok(err)
	case n < 8:
		p.sync(r, p.replicas[rapid.IntRange(0, len(p.replicas)-1).Draw(p.rt, "peer")])
	default:
		if len(p.replicas) >= 6 {
			return
		}
		if len(p.replicas) > 3 {
			p.sync(r, p.replicas[2])
			if i == 2 {
				return
			}
		}
		disk := p.disks[i].Clone()
		c, err := replica.Open(ctx, disk, replica.Options{Wall: p.wall})
		p.ok(err)
		p.replicas, p.disks = append(p.replicas, c), append(p.disks, disk)
	}
}

func (p *rewriting) end() {
	for range 3 {
		for i := range p.replicas {
			for j := range i {
				p.sync(p.replicas[i], p.replicas[j])
			}
		}
	}
	want := ""
	for i, r := range p.replicas {
		if rep, err := r.Verify(p.t.Context(), nil); err != nil || len(rep.Damage) > 0 {
			p.rt.Fatalf("replica %d: %v, %q", i, err, rep.Damage)
		}
		if p.labels > 0 && shown(p.t, r, "stats/n") != fmt.Sprint(p.adds) {
			p.rt.Fatalf("replica %d counts %s adds of %d", i, shown(p.t, r, "stats/n"), p.adds)
		}
		for n := 1; n <= p.labels; n++ {
			if shown(p.t, r, fmt.Sprint("own/", n)) != fmt.Sprint(n) {
				p.rt.Fatalf("replica %d has lost write %d", i, n)
			}
		}
		got := stateOf(p.t, r)
		if i == 0 {
			want = got
		} else if got != want {
			p.rt.Fatalf("replica %d shows\n%s\nthe first\n%s", i, got, want)
		}
	}
}
