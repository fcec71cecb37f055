package replica

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// A Replica is one device's copy of a space. It is safe for all goroutines. Several may have the same database open,
// in one process or in several; they share its author.
type Replica struct {
	st       store.Store
	wall     clock.Wall
	rand     io.Reader
	log      Logger
	manual   bool // Options.ManualCompaction
	typing   Typing
	registry crdt.Registry
	// strategies are the names of the application's own.
	strategies []string
	// maxTips is how many tips a clock tells: protocol.MaxTips.
	maxTips int
	// instance tells this Replica from others with the same author, where the store keeps nothing that does.
	instance protocol.Instance

	queue     queue
	underway  underway
	graph     graphCache
	runs      runCache
	pasts     pastCache
	documents documents
	pulse     pulse
	beside    beside
	retired   keyring

	presences presences

	background background

	mu     sync.RWMutex
	mem    *mem
	closed bool

	// The writer that has its turn alone touches these.
	staged    *mem
	after     []func() error
	docs      docs
	workspace workspace
	commit    commit // the one that runs
	commits   uint64 // begun by this Replica, for commit.number
	guarded   atomic.Bool
	updating  updating
}

// Open returns the replica whose data is in st. A fresh store becomes a new space, of which this replica is the first
// member, with the first write; until then nothing is written to it. The caller keeps st and closes it after the
// replica.
func Open(ctx context.Context, st store.Store, opts Options) (*Replica, error) {
	registry, err := crdt.NewRegistry(opts.Strategies...)
	if err != nil {
		return nil, err
	}
	r := &Replica{
		st: st, wall: opts.Wall, rand: opts.Rand, log: opts.Logger, registry: registry, manual: opts.ManualCompaction,
		maxTips: protocol.MaxTips, pulse: pulse{gone: make(chan struct{})},
	}
	r.typing = Typing{Bytes: cmp.Or(opts.Typing.Bytes, defaultTypedBytes), Rest: cmp.Or(opts.Typing.Rest, defaultTypedRest)}
	for _, s := range opts.Strategies {
		r.strategies = append(r.strategies, s.Name())
	}
	if r.wall == nil {
		r.wall = systemWall{}
	}
	if r.rand == nil {
		r.rand = rand.Reader
	}
	if r.log == nil {
		r.log = silence{}
	}
	if err := r.readFull(r.instance[:]); err != nil {
		return nil, err
	}
	// Reading the tip proves that the store is one that this program understands.
	if err := r.view(ctx, func(*snap) error { return nil }); err != nil {
		return nil, err
	}
	if err := r.relearn(ctx); err != nil {
		return nil, err
	}
	if err := r.scrubDebt(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends the replica's watches and marks its database as closed in good order. It does not close the store. From inside of an
// Update it is ErrNested.
func (r *Replica) Close() error {
	if r.updating.here() {
		return ErrNested
	}
	r.mu.Lock()
	was := r.closed
	r.closed = true
	r.mu.Unlock()
	if was {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := r.stopTyping(ctx)
	r.pulse.close()
	return errors.Join(err, r.stopPacking(ctx), r.settle(ctx))
}

func (r *Replica) isClosed() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.closed
}

// systemWall is the machine's clock.
type systemWall struct{}

func (systemWall) Now() int64 { return time.Now().UnixMilli() }
