package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/kdelta/kdelta/store"
)

// Store is a store in memory. It is also a [store.Getter].
type Store struct {
	// turn holds one token: whoever took it is the running Update (M2).
	turn chan struct{}

	mu      sync.Mutex
	newest  *state
	closed  bool           // no new transactions
	running sync.WaitGroup // what Close waits for; Add only under mu and while not closed
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Getter = (*Store)(nil)
)

// New returns an empty store.
func New() *Store { return open(newState()) }

func open(s *state) *Store {
	return &Store{turn: make(chan struct{}, 1), newest: s}
}

// Clone returns a store of its own that begins with the newest committed state of s, in O(1) time and memory. It
// neither waits for a running Update nor sees anything of it, and works on a closed store too: that is how a
// simulation restarts a replica from what its disk held.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return open(s.newest)
}

// View implements [store.Store].
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	snapshot, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.running.Done()
	tx := &tx{state: snapshot}
	defer tx.finish()
	return fn(tx)
}

// Update implements [store.Store]. The context only matters while Update waits for its turn.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	base, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.running.Done()
	tx := &tx{state: base.fork(), base: base}
	defer tx.finish()
	if err := fn(tx); err != nil {
		return err
	}
	s.publish(tx.state)
	return nil
}

// GetOne implements [store.Getter].
func (s *Store) GetOne(ctx context.Context, t store.Table, key []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	newest, closed := s.newest, s.closed
	s.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	return newest.get(t, key)
}

// Close implements [store.Store]. It must not be called from inside a transaction of the same store.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// begin counts a transaction in and returns the state that it starts from.
func (s *Store) begin(ctx context.Context) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	s.running.Add(1)
	return s.newest, nil
}

func (s *Store) publish(next *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = next
}

// errOver is what a Tx says that outlived its View or Update.
var errOver = fmt.Errorf("%w: the transaction is over", store.ErrClosed)
