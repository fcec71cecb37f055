package replicatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

// epoch is the wall time at which a world begins: 2026-01-01.
const epoch = 1_767_225_600_000

// wall is a device's clock.
type wall struct {
	w      *World
	offset int64
	frozen int64
}

var _ clock.Wall = (*wall)(nil)

// Now implements clock.Wall.
func (c *wall) Now() int64 {
	if c.frozen != 0 {
		return c.frozen
	}
	return epoch + c.w.now + c.offset
}

// sidecar is the small file beside a database.
type sidecar struct {
	file    string
	boot    string
	durable bool
	bytes   []byte
	// writes counts down to a write in which the process dies; 0: never.
	writes int
	after  bool
}

// diskStore is a failing store with a sidecar.
type diskStore struct {
	*storetest.FaultyStore
	side *sidecar
	dead bool
}

var _ store.Sidecar = (*diskStore)(nil)

// View implements store.Store.
func (s *diskStore) View(ctx context.Context, fn func(store.Tx) error) error {
	if s.dead {
		return storetest.ErrCrashed
	}
	return s.FaultyStore.View(ctx, fn)
}

// Update implements store.Store.
func (s *diskStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.dead {
		return storetest.ErrCrashed
	}
	return s.FaultyStore.Update(ctx, func(tx store.Tx) error {
		err := fn(tx)
		if s.dead {
			return storetest.ErrCrashed
		}
		return err
	})
}

// GetOne implements store.Getter.
func (s *diskStore) GetOne(ctx context.Context, t store.Table, key []byte) ([]byte, error) {
	if s.dead {
		return nil, storetest.ErrCrashed
	}
	return s.FaultyStore.GetOne(ctx, t, key)
}

// FileIdentity implements store.Sidecar.
func (s *diskStore) FileIdentity() (string, error) { return s.side.file, nil }

// BootID implements store.Sidecar.
func (s *diskStore) BootID() string { return s.side.boot }

// Durable implements store.Sidecar.
func (s *diskStore) Durable() bool { return s.side.durable }

// ReadSidecar implements store.Sidecar.
func (s *diskStore) ReadSidecar() ([]byte, error) {
	if s.dead || s.Crashed() {
		return nil, storetest.ErrCrashed
	}
	return slices.Clone(s.side.bytes), nil
}

// WriteSidecar implements store.Sidecar.
func (s *diskStore) WriteSidecar(b []byte) error {
	if s.dead || s.Crashed() {
		return storetest.ErrCrashed
	}
	if s.side.writes > 0 {
		if s.side.writes--; s.side.writes == 0 {
			s.dead = true
			if s.side.after {
				s.side.bytes = slices.Clone(b)
			}
			return storetest.ErrCrashed
		}
	}
	s.side.bytes = slices.Clone(b)
	return nil
}

// image is a database as it was.
type image struct {
	disk     *memory.Store
	side     []byte
	acked    []int
	mine     Set
	beliefs  []belief
	readOnly bool
}

// device is one replica and what it runs on.
type device struct {
	w    *World
	id   int
	name string
	wall *wall
	keys *rand.ChaCha8
	disk *memory.Store
	side *sidecar
	// knowsRare: the application here has the strategy that not all have.
	knowsRare bool
	readOnly  bool
	invite    string // what it joins with at its next start

	st     store.Store
	faulty *storetest.FaultyStore
	dead   func() bool
	r      *replica.Replica // nil while it does not run
	saved  *image

	// looked is when its log was read last.
	looked look
	// seen are the versions that its log has shown, heads those that no other one covers.
	seen  Set
	gone  erasures
	heads replica.Frontier
	acked []int
	// mine are the versions that this database wrote since it came to be, as a new one or as a copy; again counts how often
	// it has written some of them again.
	mine  Set
	again int
	// rewrote are the authors as which it did that.
	rewrote map[identity.Author]bool
	// beliefs are what it has heard that others hold, life counts how often an old state of it was brought back: then it does not
	// hold any more what others have heard.
	beliefs []belief
	life    int
	// mayWrite is true while versions may appear that nobody has seen before, unsure from a write that failed by a fault of
	// the store until the log could be read: it may be there all the same.
	mayWrite, unsure bool
	// family is the first replica of those whose databases are copies of each other.
	family int
	// left is what left this replica.
	left left
	// read is a version that an application here has read, for From and IfVersion.
	read map[string]replica.Version
}

func (w *World) newDevice(withSidecar bool) *device {
	d := &device{
		w: w, id: len(w.devices), disk: memory.New(), wall: &wall{w: w}, knowsRare: w.chance(60),
		read: make(map[string]replica.Version), rewrote: make(map[identity.Author]bool),
		left: newLeft(),
	}
	d.name, d.family = string(rune('A'+d.id)), d.id
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(w.rng.Uint32())
	}
	d.keys = rand.NewChaCha8(seed)
	if withSidecar {
		d.side = &sidecar{file: fmt.Sprint("1:", d.id), boot: "boot", durable: w.chance(70)}
	}
	w.devices = append(w.devices, d)
	return d
}

// joining reports whether the replica has not come to be a member yet.
func (d *device) joining() bool { return d.invite != "" }

// knows reports whether the replica resolves a strategy of the application.
func (d *device) knows(name string) bool { return name != rareName || d.knowsRare }

func (d *device) options() replica.Options {
	var known []crdt.Strategy
	for _, s := range applicationStrategies() {
		if d.knows(s.Name()) {
			known = append(known, s)
		}
	}
	return replica.Options{Wall: d.wall, Rand: d.keys, Strategies: known, ManualCompaction: true, Typing: replica.Typing{Rest: -1}}
}

// mount wraps the disk with what will go wrong this time.
func (d *device) mount(plan storetest.Plan) {
	faulty := storetest.Faulty(d.disk, plan)
	d.faulty, d.looked = faulty, look{}
	if d.side == nil {
		d.st, d.dead = faulty, faulty.Crashed
		return
	}
	s := &diskStore{FaultyStore: faulty, side: d.side}
	d.st, d.dead = s, func() bool { return s.dead || faulty.Crashed() }
}

// plan draws what will go wrong from the next start on.
func (d *device) plan() storetest.Plan {
	w := d.w
	if d.side != nil {
		d.side.writes, d.side.after = 0, w.chance(50)
		if w.chance(15) {
			d.side.writes = 1 + w.rng.IntN(3)
		}
	}
	var plan storetest.Plan
	for w.chance(45) && len(plan) < 3 {
		f := storetest.Fault{Site: pick(w, []storetest.Site{storetest.Begin, storetest.Write, storetest.Write, storetest.Commit, storetest.Read})}
		f.Nth = 1 + w.rng.IntN(map[storetest.Site]int{storetest.Begin: 40, storetest.Write: 200, storetest.Commit: 40, storetest.Read: 400}[f.Site])
		f.After = w.chance(50)
		f.Err = pick(w, []error{storetest.ErrCrashed, storetest.ErrCrashed, store.ErrFull, store.ErrBusy})
		if w.chance(30) {
			f.Times = 3
		}
		plan = append(plan, f)
	}
	return plan
}

// openUntilUp starts the replica, again and again if it dies on the way.
func (d *device) openUntilUp() {
	for d.r == nil {
		d.open(d.plan())
	}
	d.rediscover()
}

// open starts the replica once.
func (d *device) open(plan storetest.Plan) {
	d.mount(plan)
	var r *replica.Replica
	var err error
	if d.joining() {
		r, err = replica.Join(d.w.ctx, d.st, d.invite, d.options())
	} else {
		r, err = replica.Open(d.w.ctx, d.st, d.options())
	}
	switch {
	case err == nil:
		d.r, d.invite = r, ""
	case isInjected(err):
		d.w.count("fault while opening")
	default:
		d.w.failf("open", "%s does not open: %v", d.name, err)
	}
}

// rediscover reads from its log what a replica holds that has just started, and that it is all that it acknowledged (I4).
func (d *device) rediscover() {
	d.seen, d.heads, d.looked = nil, nil, look{}
	d.mayWrite = true
	ok := d.ingest()
	d.mayWrite = false
	if !ok {
		return
	}
	if !d.follow() {
		return
	}
	for _, n := range d.acked {
		if !d.seen.Has(n) {
			d.w.failf("I4", "%s has lost %s, which it acknowledged", d.name, d.w.model.Stamp(n).Name())
		}
	}
	d.left.see(d.w, d.seen)
	d.w.judgedByAll(d)
}

// stop ends the replica in good order.
func (d *device) stop() {
	d.dropSessions()
	if d.r != nil {
		if err := d.r.Close(); err != nil && !isInjected(err) {
			d.w.failf("close", "%s: %v", d.name, err)
		}
	}
	d.r = nil
}

// crash ends the replica as if its process had been killed.
func (d *device) crash() {
	d.w.count("crash")
	d.w.tracef("%s dies", d.name)
	d.leaveSessions()
	d.r = nil
	if d.side != nil && d.w.chance(30) {
		d.side.boot += "'"
	}
	d.w.after(int64(d.w.rng.IntN(60)), func() {
		if d.r == nil {
			d.openUntilUp()
			d.w.tracef("%s starts again with %d versions", d.name, d.seen.Len())
		}
	})
}

// isInjected reports whether an error is one that the world made.
func isInjected(err error) bool {
	return errors.Is(err, storetest.ErrCrashed) || errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrBusy)
}

// tolerates reports whether an error is one that the world made, and lets the replica die if that is what it was.
func (d *device) tolerates(err error) bool {
	if !isInjected(err) {
		return false
	}
	d.w.count("store fault met")
	d.unsure = true
	if d.dead() && d.r != nil {
		d.crash()
	}
	return true
}
