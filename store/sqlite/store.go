package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kdelta/kdelta/store"
)

// How many Views and GetOnes run at once, and how many of their connections are kept for the next. Where there are more each waits
// for its turn, for as long as readerPatience: those who have theirs may wait for it, as somebody does who reads in the midst of reading.
const (
	maxReaders     = 64
	idleReaders    = 8
	readerPatience = 100 * time.Millisecond
)

// Store is a store in an SQLite file. It is also a [store.Getter], [store.Changing] and [store.Sidecar].
type Store struct {
	door    door
	path    string
	options options
	frozen  *frozen // nil unless the file is read without locks
	swept   sync.Once

	// turn holds one token: whoever took it owns the writer.
	turn   chan struct{}
	writer *conn
	// logPages is how long the log gets before it is copied into the file, see log.go.
	logPages int
	// state numbers the states of the database that the writer has seen, version is SQLite's number of the newest.
	state   uint64
	version driver.Value

	// watching guards the watcher.
	watching sync.Mutex
	watcher  *conn

	// readers holds a token for each reader that is counted.
	readers chan struct{}

	mu      sync.Mutex
	idle    []*conn        // readers for the next
	closed  bool           // no new work
	running sync.WaitGroup // what Close waits for; Add only under mu and while not closed
	closing sync.Once
	result  error // of the one disconnect
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Getter   = (*Store)(nil)
	_ store.Changing = (*Store)(nil)
	_ store.Sidecar  = (*Store)(nil)
	_ store.Counting = (*tx)(nil)
)

func newStore(d door, path string, o options) *Store {
	return &Store{
		door: d, path: path, options: o,
		turn: make(chan struct{}, 1), readers: make(chan struct{}, maxReaders),
	}
}

// Path is the absolute path of the database file, symbolic links resolved.
func (s *Store) Path() string { return s.path }

// begin counts a piece of work in, so that Close waits for it.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.running.Add(1)
	return nil
}

// View implements [store.Store]. Where 64 readers run at once others wait for a moment.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.read(ctx, func(ctx context.Context, c *conn) error {
		// BEGIN alone takes no snapshot, the first look at the file does.
		err := s.patiently(ctx, func() error {
			if err := c.do(verbBegin); err != nil {
				return err
			}
			if _, err := s.get(c, store.Meta, []byte{0}); err != nil && !errors.Is(err, store.ErrNotFound) {
				return errors.Join(err, c.do(verbRollback))
			}
			return nil
		})
		if err != nil {
			return err
		}
		x := &tx{store: s, conn: c, readOnly: true}
		defer func() {
			x.finish()
			_ = c.do(verbRollback) // nothing was written; the snapshot ends
		}()
		return fn(x)
	})
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.alone(ctx, func() error { return s.update(ctx, fn) })
}

// alone runs fn when it is its turn to write.
func (s *Store) alone(ctx context.Context, fn func() error) error {
	if s.options.readOnly {
		return fmt.Errorf("%w: %s was opened with ReadOnly", store.ErrReadOnly, s.path)
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return fn()
}

// update runs fn in a transaction of the writer, whose turn it is.
func (s *Store) update(ctx context.Context, fn func(store.Tx) error) error {
	c := s.writer
	patient, cancel := s.patience(ctx)
	defer cancel()
	if err := s.patiently(patient, func() error { return c.do(verbBeginWrite) }); err != nil {
		return err
	}
	committed := false
	x := &tx{store: s, conn: c}
	defer func() {
		x.finish()
		if !committed {
			_ = c.do(verbRollback) // after some errors SQLite has done it already
		}
	}()
	if err := fn(x); err != nil {
		return err
	}
	if x.doomed != nil {
		return x.doomed
	}
	x.finish()
	if err := s.keepLog(pagesFor(x.rows)); err != nil {
		return err
	}
	s.state++ // also where it fails: some failures come when it is done
	if err := c.do(verbCommit); err != nil {
		return s.door.translate(s.path, err)
	}
	committed = true
	return nil
}

// GetOne implements [store.Getter].
func (s *Store) GetOne(ctx context.Context, t store.Table, key []byte) (value []byte, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		return s.patiently(ctx, func() (err error) {
			value, err = s.get(c, t, key)
			return err
		})
	})
	return value, err
}

// read runs fn with a connection of the pool.
func (s *Store) read(ctx context.Context, fn func(context.Context, *conn) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	counted, err := s.awaitTurn(ctx)
	if err != nil {
		return err
	}
	if counted {
		defer func() { <-s.readers }()
	}
	ctx, cancel := s.patience(ctx)
	defer cancel()
	c, err := s.takeReader(ctx)
	if err != nil {
		return err
	}
	defer s.giveReader(c)
	if err := s.unchanged(); err != nil {
		return err
	}
	err = fn(ctx, c)
	if changed := s.unchanged(); changed != nil {
		return changed
	}
	return err
}

// awaitTurn waits until a reader may run, and reports whether it is one of those that are counted.
func (s *Store) awaitTurn(ctx context.Context) (counted bool, err error) {
	select {
	case s.readers <- struct{}{}:
		return true, nil
	default:
	}
	patience := time.NewTimer(readerPatience)
	defer patience.Stop()
	select {
	case s.readers <- struct{}{}:
		return true, nil
	case <-patience.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (s *Store) takeReader(ctx context.Context) (c *conn, err error) {
	s.mu.Lock()
	if n := len(s.idle); n > 0 {
		c, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	err = s.patiently(ctx, func() (err error) {
		c, err = s.connectReader()
		return err
	})
	return c, err
}

func (s *Store) giveReader(c *conn) {
	s.mu.Lock()
	keep := len(s.idle) < idleReaders
	if keep {
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		_ = c.close() // it only read
	}
}

// ChangeCounter implements [store.Changing]. It moves after a commit of this Store too.
func (s *Store) ChangeCounter(ctx context.Context) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.running.Done()
	s.watching.Lock()
	defer s.watching.Unlock()
	ctx, cancel := s.patience(ctx)
	defer cancel()
	var version int64
	err := s.patiently(ctx, func() (err error) {
		version, err = s.watcher.number("PRAGMA data_version")
		return err
	})
	return uint64(version), err
}

// Check looks through the whole file for damage that SQLite can see: torn pages, broken trees, rows out of order. It
// returns an error that wraps store.ErrCorrupt and lists what it found, or ctx's error if that ends first.
func (s *Store) Check(ctx context.Context) error {
	return s.read(ctx, func(patient context.Context, c *conn) error {
		var found []string
		err := s.patiently(patient, func() (err error) {
			found, err = c.lines(ctx, "PRAGMA quick_check(10)")
			return err
		})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0] != "ok" {
			return fmt.Errorf("%w: %s: %s", store.ErrCorrupt, s.path, strings.Join(found, "; "))
		}
		return nil
	})
}

// Close implements [store.Store]. The last process to close the file moves the log into it.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	s.closing.Do(func() { s.result = s.disconnect() })
	return s.result
}

// disconnect closes all connections, the writer last: it is the one that may move the log.
func (s *Store) disconnect() error {
	var errs []error
	for _, c := range append(s.idle, s.watcher, s.writer) {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	s.idle = nil
	return s.door.translate(s.path, errors.Join(errs...))
}
