package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/store"
)

// openPatience is how long Open waits for another process where no BusyTimeout says otherwise: recovering a large
// log and migrating are the longest that anybody holds the file.
const openPatience = 10 * time.Second

// Durable is how much a commit survives.
type Durable int

const (
	// Full syncs each commit to the disk: it survives a power cut.
	Full Durable = iota
	// Normal syncs now and then: a commit survives the death of the process, and a power cut may take back the newest
	// ones, without harm to the rest. Commits are 10 to 50 times cheaper.
	Normal
)

// An Option changes how Open opens.
type Option func(*options)

type options struct {
	durable     Durable
	readOnly    bool
	busyTimeout time.Duration
}

// Durability chooses between Full, the default, and Normal.
func Durability(d Durable) Option { return func(o *options) { o.durable = d } }

// ReadOnly opens a database that exists and never writes to it; Update returns store.ErrReadOnly. Where the folder may not
// be written to either, or the disk is full, the file is read without locks: once somebody has written to it, reading returns store.ErrBusy
// and it has to be opened again.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// BusyTimeout bounds every wait for another process, beside the context: after d it is store.ErrBusy. Without it the
// context alone decides, and Open waits 10 s.
func BusyTimeout(d time.Duration) Option { return func(o *options) { o.busyTimeout = d } }

// Open opens the database at path, and makes it (mode 0600) and its folder (0700) if they are not there. A symbolic
// link is followed. Errors: store.ErrForeign, store.ErrNewerSchema, store.ErrBusy, store.ErrCorrupt, store.ErrReadOnly,
// store.ErrFull, fs.ErrNotExist (ReadOnly), fs.ErrPermission.
func Open(path string, opts ...Option) (*Store, error) { return open(native(), path, opts) }

func open(d door, path string, opts []Option) (*Store, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	real, err := prepare(path, o.readOnly)
	if err != nil {
		return nil, err
	}
	s := newStore(d, real, o)
	wait := openPatience
	if o.busyTimeout > 0 {
		wait = o.busyTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if err := s.connectAll(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare resolves the path and sees to it that there is a file, without ever holding it open: closing a file drops
// all POSIX locks that this process has on it, those of another Store included.
func prepare(path string, readOnly bool) (string, error) {
	if path == "" || path == ":memory:" {
		return "", fmt.Errorf("sqlite: %q is not a file; for a store in memory take package store/memory", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("%w: %s is a folder; give the path of a file in it", store.ErrForeign, path)
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: %s is a device, socket or pipe, not a file", store.ErrForeign, path)
	case err != nil && (readOnly || !errors.Is(err, fs.ErrNotExist)):
		return "", fmt.Errorf("sqlite: %w", err)
	case err != nil:
		if err := create(path); err != nil {
			return "", err
		}
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) { // create left it to SQLite
		real, err = filepath.EvalSymlinks(filepath.Dir(path))
		real = filepath.Join(real, filepath.Base(path))
	}
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	return real, nil
}

// newSuffix is what a database's file is called by until it has its name.
const newSuffix = "-new-"

// create makes an empty file, private from its first moment on, and its folder.
func create(path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("sqlite: %s is a symbolic link to nothing: %w", path, fs.ErrNotExist)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	empty, err := temporary.File(dir, filepath.Base(path)+newSuffix)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = os.Remove(empty.Name()) }()
	if err := empty.Close(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	// Where the file system has no hard links it has no modes either, and SQLite may make the file.
	if err := os.Link(empty.Name(), path); err != nil && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// connectAll opens the writer and the watcher, and with them the file: what it is, its schema, its journal mode. Until
// the schema is there the connection is SQLite's default, which syncs fully.
func (s *Store) connectAll(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			_ = s.disconnect()
		}
	}()
	if s.options.readOnly {
		if err = s.refuse(); err != nil {
			return err
		}
	}
	if err = s.reach(ctx); err != nil {
		if err = s.freeze(err); err == nil {
			err = s.reach(ctx)
		}
	}
	if err != nil {
		return err
	}
	// The schema comes before the log: page 1 of the file itself then holds the application id (Q5), and a foreign
	// file keeps its journal mode (Q4).
	if err := s.migrate(ctx, s.writer, migrations()); err != nil {
		return err
	}
	err = s.patiently(ctx, func() error {
		if s.options.readOnly {
			return s.writer.exec(cachePragmas)
		}
		return s.writer.exec("PRAGMA journal_mode = WAL; " + cachePragmas + synchronous(s.options.durable))
	})
	if err == nil && !s.options.readOnly {
		err = s.keepLog(fewPages)
	}
	if err != nil {
		return err
	}
	return s.patiently(ctx, func() (err error) {
		s.watcher, err = s.connectReader()
		return err
	})
}

// refuse refuses a file that is only to be read and is not ours, by what the file alone says (Q5). To read one that has a log SQLite
// makes files beside it, and who may not write leaves them there. Whatever else is wrong with it is for reach to find.
func (s *Store) refuse() error {
	c, err := s.door.connect(s.path, immutable)
	if err != nil {
		return nil
	}
	version, err := s.inspect(c)
	if err == nil {
		err = s.notNewer(version, migrations())
	}
	_ = c.close() // it has read a page
	if errors.Is(err, store.ErrForeign) || errors.Is(err, store.ErrNewerSchema) {
		return err
	}
	return nil
}

// immutable is the mode of a file that is read as if nobody ever wrote to it: without locks, and without a log.
const immutable = "ro&immutable=1"

// reach opens the writer and looks at what the file is.
func (s *Store) reach(ctx context.Context) error {
	return s.patiently(ctx, func() (err error) {
		if s.writer, err = s.door.connect(s.path, s.mode()); err == nil {
			_, err = s.inspect(s.writer)
		}
		if err != nil && s.writer != nil {
			err = errors.Join(err, s.writer.close())
			s.writer = nil
		}
		if s.door.code(err) == codeNotADB { // some drivers look into the file while they connect
			return fmt.Errorf("%w: %s is not an SQLite file", store.ErrForeign, s.path)
		}
		return err
	})
}

func (s *Store) mode() string {
	if s.frozen != nil {
		return immutable
	}
	if s.options.readOnly {
		return "ro"
	}
	return "rwc"
}

// connectReader opens one more connection, which cannot write.
func (s *Store) connectReader() (*conn, error) {
	c, err := s.door.connect(s.path, s.mode())
	if err != nil {
		return nil, err
	}
	if err := c.exec(readerPragmas); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// What the caches may grow to in KiB.
const (
	cachePragmas  = "PRAGMA cache_size = -32768; "
	readerPragmas = "PRAGMA cache_size = -4096; PRAGMA query_only = ON"
)

func synchronous(d Durable) string {
	if d == Normal {
		return "PRAGMA synchronous = NORMAL"
	}
	return "PRAGMA synchronous = FULL"
}
