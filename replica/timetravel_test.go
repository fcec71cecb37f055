package replica_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// moment is what some replica showed when it held exactly the versions that a point names.
type moment struct {
	what  string
	point replica.Point
	shown string
}

// travel is a random history of several replicas and the moments that were recorded of it.
type travel struct {
	t        *testing.T
	draw     *rand.Rand
	replicas []*replica.Replica
	now      *fakeWall
	moments  []moment
}

// fakeWall is one clock for all replicas.
type fakeWall struct{ ms int64 }

func (w *fakeWall) Now() int64 { return w.ms }

func (tr *travel) record(what string, p replica.Point, r *replica.Replica) {
	tr.moments = append(tr.moments, moment{what, p, listed(tr.t, r, "")})
}

// step is a write of any kind on few keys, or a setting, by one replica.
func (tr *travel) step(r *replica.Replica) {
	t, ctx := tr.t, tr.t.Context()
	tr.now.ms += int64(tr.draw.IntN(3))
	key := func(ns string) string { return fmt.Sprintf("%s/%d", ns, tr.draw.IntN(2)) }
	object := func() map[string]any {
		return map[string]any{"x": tr.draw.IntN(3), "deep": map[string]any{"y": tr.draw.IntN(3), "z": tr.draw.IntN(3)}}
	}
	var err error
	switch n := tr.draw.IntN(100); {
	case n < 30:
		_, err = r.Set(ctx, key("plain"), tr.draw.IntN(10))
	case n < 50:
		_, err = r.Set(ctx, key("fields"), object())
	case n < 62:
		_, err = r.Add(ctx, key("counter"), int64(tr.draw.IntN(9)-4))
	case n < 70:
		_, err = r.SetAdd(ctx, key("set"), []any{tr.draw.IntN(5), tr.draw.IntN(5)})
	case n < 76:
		_, err = r.SetRemove(ctx, key("set"), []any{tr.draw.IntN(5)})
	case n < 84:
		_, err = r.Delete(ctx, key([]string{"plain", "fields", "counter", "set"}[tr.draw.IntN(4)]))
	case n < 96:
		_, err = r.Update(ctx, func(tx *replica.Tx) error {
			return errors.Join(tx.Set(key("plain"), "both"), tx.Set(key("fields"), object()), tx.Add(key("counter"), 1))
		})
	default:
		name := []string{"lww", "mv", "max", "min", "union"}[tr.draw.IntN(5)]
		_, err = r.SetSettings(ctx, "plain", replica.Settings{Strategy: name})
	}
	if err != nil && !errors.Is(err, replica.ErrNotFound) && !errors.Is(err, replica.ErrWrongKind) {
		t.Fatal(err)
	}
}

// version records the present as the point of the version that a replica has just written: it covers all that the
// replica holds.
func (tr *travel) version(r *replica.Replica) {
	for e, err := range r.Log(tr.t.Context(), "", replica.LogQuery{Limit: 1}) {
		if err != nil {
			tr.t.Fatal(err)
		}
		status, err := r.Status(tr.t.Context())
		if err != nil {
			tr.t.Fatal(err)
		}
		if len(status.Heads) == 1 && status.Heads[0].ID == e.ID {
			tr.record("version "+e.String(), e.Version, r)
		}
	}
}

// frontier records the present of a replica as the frontier of its heads.
func (tr *travel) frontier(r *replica.Replica) {
	status, err := r.Status(tr.t.Context())
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.record(fmt.Sprint("frontier ", status.Heads), replica.Frontier(status.Heads), r)
}

// Every point of a random history with merges shows what a replica showed that held exactly those versions, on every
// replica, however its versions came to it.
func TestTimeTravel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			tr := newTravel(t, seed)
			for range 160 {
				r := tr.replicas[tr.draw.IntN(len(tr.replicas))]
				switch tr.draw.IntN(5) {
				case 0:
					other := tr.replicas[tr.draw.IntN(len(tr.replicas))]
					if r != other {
						syncPair(t, r, other)
						tr.frontier(r)
					}
				default:
					tr.step(r)
					tr.version(r)
				}
			}
			syncAll(t, tr.replicas...)
			sameState(t, tr.replicas...)
			late := tr.latecomer()
			tr.check(tr.replicas[0], tr.replicas[1], late)
			tr.times(late)
		})
	}
}

func newTravel(t *testing.T, seed uint64) *travel {
	t.Helper()
	wall := &fakeWall{ms: 1_700_000_000_000}
	tr := &travel{t: t, draw: rand.New(rand.NewPCG(seed, 9)), now: wall}
	var opts []replica.Options
	for i := range 3 {
		opts = append(opts, replica.Options{Wall: wall, Rand: rand.NewChaCha8([32]byte{byte(seed), byte(i), byte(seed >> 8)})})
	}
	tr.replicas, _ = newSpace(t, 3, opts...)
	settings(t, tr.replicas[0], "fields", replica.Settings{Strategy: "fields"})
	syncAll(t, tr.replicas...)
	return tr
}

// latecomer is a replica that gets everything at once, by way of another order.
func (tr *travel) latecomer() *replica.Replica {
	t := tr.t
	t.Helper()
	invite, err := tr.replicas[0].Invite(t.Context(), replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	late, err := replica.Join(t.Context(), memory.New(), invite, replica.Options{Wall: tr.now})
	if err != nil {
		t.Fatal(err)
	}
	syncPair(t, late, tr.replicas[2])
	return late
}

func (tr *travel) check(replicas ...*replica.Replica) {
	t := tr.t
	t.Helper()
	if len(tr.moments) < 40 {
		t.Fatalf("only %d moments were recorded", len(tr.moments))
	}
	for _, m := range tr.moments {
		for i, r := range replicas {
			if got := listed(t, r.At(m.point), ""); got != m.shown {
				t.Fatalf("replica %d at %s shows\n%swhat was recorded is\n%s", i, m.what, got, m.shown)
			}
		}
	}
}

// times compares every instant of the history with a replica that was given exactly the versions up to it.
func (tr *travel) times(r *replica.Replica) {
	t := tr.t
	t.Helper()
	for ms := int64(1_700_000_000_000); ms <= tr.now.ms; ms += 1 + int64(tr.draw.IntN(12)) {
		at := replica.TimePoint(time.UnixMilli(ms))
		var upTo replica.Frontier
		for e, err := range r.Log(t.Context(), "", replica.LogQuery{Until: at}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Time.Millis() > ms {
				t.Errorf("%s of %d is in what was there at %d", e.Version, e.Time.Millis(), ms)
			}
			upTo = append(upTo, e.Version)
		}
		if got, want := listed(t, r.At(at), ""), listed(t, r.At(upTo), ""); got != want {
			t.Fatalf("at %d the replica shows\n%sthe versions up to then show\n%s", ms, got, want)
		}
	}
}

// A key with hundreds of versions, so that several stored states of it lie between: each version of it can be read, also
// where two replicas wrote it at the same time.
func TestTimeTravelAcrossCheckpoints(t *testing.T) {
	t.Parallel()
	tr := newTravel(t, 77)
	a, b := tr.replicas[0], tr.replicas[1]
	for i := range 300 {
		r := []*replica.Replica{a, b}[tr.draw.IntN(2)]
		tr.now.ms += int64(tr.draw.IntN(2))
		wrote(t)(r.Set(t.Context(), "fields/1", map[string]any{"n": i, fmt.Sprint("m", i%7): i}))
		wrote(t)(r.Add(t.Context(), "counter/1", int64(i)))
		tr.version(r)
		if i%9 == 8 {
			syncPair(t, a, b)
			tr.frontier(a)
		}
	}
	syncAll(t, tr.replicas...)
	tr.check(a, b, tr.replicas[2], tr.latecomer())
	n := 0
	for e, err := range a.Log(t.Context(), "counter/1") {
		if err != nil || len(e.Ops) != 1 || e.Ops[0].Key != "counter/1" {
			t.Fatalf("the log of a key has %+v, %v", e, err)
		}
		n++
	}
	if n != 300 {
		t.Errorf("the log of the counter has %d versions, want 300", n)
	}
}

// A point in time that was read before is read again after older versions came in: those count then, also where hundreds
// of newer ones, all in a chain until then, stand on the key.
func TestThePastLearnsWhatComesLate(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	read := func(r *replica.Replica, at time.Time) string {
		t.Helper()
		var v any
		_, err := r.At(replica.TimePoint(at)).Get(t.Context(), "notes/1", &v)
		if errors.Is(err, replica.ErrNotFound) {
			return "nothing"
		}
		p.ok(err)
		return fmt.Sprint(v)
	}
	var times []time.Time
	var want []string
	for i := range 5 * 32 {
		v := p.do(p.a.Set(t.Context(), "notes/1", fmt.Sprint("a", i)))
		times, want = append(times, v.Wall()), append(want, fmt.Sprint("a", i))
	}
	for i := range times {
		if got := read(p.a, times[i]); got != want[i] {
			t.Fatalf("at version %d: %s, want %s", i, got, want[i])
		}
	}
	late := times[70].Add(time.Millisecond)
	if got := read(p.a, late); got != want[70] {
		t.Errorf("before the late version came: %s, want %s", got, want[70])
	}
	p.wall.ms.Store(late.UnixMilli())
	p.do(p.b.Set(t.Context(), "notes/1", "late"))
	syncPair(t, p.a, p.b)
	for i := range times {
		if got := read(p.a, times[i]); got != want[i] {
			t.Errorf("at version %d after the sync: %s, want %s", i, got, want[i])
		}
	}
	for _, r := range []*replica.Replica{p.a, p.b} {
		if got := read(r, late); got != "late" {
			t.Errorf("when the late version was written: %s, want late", got)
		}
	}
	if got := read(p.a, times[0].Add(-time.Second)); got != "nothing" {
		t.Errorf("before the first version: %s, want nothing", got)
	}
}

// What is not there is said so: a version of another space, a time before everything, no point at all.
func TestPointsThatAreNotThere(t *testing.T) {
	replicas, _ := newSpace(t, 1)
	other, _ := newSpace(t, 1)
	wrote(t)(replicas[0].Set(t.Context(), "n/1", 1))
	foreign := wrote(t)(other[0].Set(t.Context(), "n/1", 1))
	for name, p := range map[string]replica.Point{
		"a foreign version": foreign, "no version": replica.Version{}, "a tag": replica.Tag("none"), "nothing": nil,
	} {
		if _, err := replicas[0].At(p).Get(context.Background(), "n/1", nil); !errors.Is(err, replica.ErrPoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := replica.TimePoint(time.UnixMilli(1))
	if _, err := replicas[0].At(before).Get(t.Context(), "n/1", nil); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("before everything: %v", err)
	}
}
