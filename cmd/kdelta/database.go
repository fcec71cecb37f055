package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
)

// A database is an open replica with the file that it lives in.
type database struct {
	*replica.Replica
	path  string
	store store.Store
	// names are what author has found.
	names map[identity.Author]string
	// named is since when they are looked up.
	named time.Time
}

// namesKept is how long a name counts that was looked up: a node and a watch run on while people give names.
const namesKept = time.Second

// defaultPath is kdelta/kdelta.db in the user's data folder, by the XDG base directory specification, which says that a
// relative XDG_DATA_HOME is to be ignored.
func defaultPath() (string, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usagef("no home folder to keep the database in: name a file with --db PATH")
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "kdelta", "kdelta.db"), nil
}

// present reports whether something stands at path; an empty file counts as nothing, so that reading does not turn it
// into a database.
func present(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return info.Size() > 0 || !info.Mode().IsRegular(), nil
}

// read runs fn on the database, or returns errNoDatabase where there is none: reading makes no file. A file that may
// not be written to is opened for reading only.
func (a *app) read(ctx context.Context, fn func(*database) error) error {
	if err := a.mustExist(); err != nil {
		return err
	}
	db, err := a.openDatabase(ctx, a.dbPath, false)
	if err != nil {
		var again error
		db, again = a.openDatabase(ctx, a.dbPath, true)
		switch {
		case errors.Is(again, store.ErrReadOnly): // it says what stands in the way of reading
			return again
		case again != nil:
			return err
		}
	}
	return db.closeAfter(fn(db))
}

// change runs fn on a database that exists, or returns errNoDatabase.
func (a *app) change(ctx context.Context, fn func(*database) error) error {
	if err := a.mustExist(); err != nil {
		return err
	}
	return a.write(ctx, fn)
}

// write runs fn on the database, which is made where it is missing.
func (a *app) write(ctx context.Context, fn func(*database) error) error {
	db, err := a.openDatabase(ctx, a.dbPath, false)
	if err != nil {
		return err
	}
	return db.closeAfter(fn(db))
}

func (a *app) mustExist() error {
	there, err := present(a.dbPath)
	if err == nil && !there {
		err = fmt.Errorf("%w: nothing is at %s yet; the first write makes it", errNoDatabase, a.dbPath)
	}
	return err
}

func (a *app) openDatabase(ctx context.Context, path string, readOnly bool) (*database, error) {
	st, err := a.openStore(path, readOnly)
	if err != nil {
		return nil, err
	}
	r, err := replica.Open(ctx, st, a.options())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), st.Close())
	}
	return newDatabase(r, st, path), nil
}

func newDatabase(r *replica.Replica, st store.Store, path string) *database {
	return &database{Replica: r, path: path, store: st, names: map[identity.Author]string{}}
}

func (a *app) options() replica.Options { return replica.Options{Wall: a} }

// closeAfter closes the database; err, what was done with it, comes first.
func (db *database) closeAfter(err error) error {
	closeErr := errors.Join(db.Close(), db.store.Close())
	if err == nil && closeErr != nil {
		return fmt.Errorf("close %s: %w", db.path, closeErr)
	}
	return err
}

// author is the name that people gave an author where there is one, else its 8-character key.
func (db *database) author(ctx context.Context, a identity.Author) string {
	if now := time.Now(); now.Sub(db.named) > namesKept {
		clear(db.names)
		db.named = now
	}
	name, ok := db.names[a]
	if !ok {
		name = db.AuthorName(ctx, a)
		db.names[a] = name
	}
	return name
}

// versionName is AUTHOR@SEQ for people.
func (db *database) versionName(ctx context.Context, v replica.Version) string {
	return db.author(ctx, v.Author) + "@" + strconv.FormatUint(v.Seq, 10)
}

// versionNames is versionName for several.
func (db *database) versionNames(ctx context.Context, vs []replica.Version) []string {
	return names(vs, func(v replica.Version) string { return db.versionName(ctx, v) })
}

// names are the names of several things; none is an empty list in JSON too.
func names[T any](of []T, name func(T) string) []string {
	all := make([]string, len(of))
	for i, one := range of {
		all[i] = name(one)
	}
	return all
}

// plainNames is AUTHOR@SEQ by the authors' keys, as JSON has it.
func plainNames(vs []replica.Version) []string { return names(vs, replica.Version.String) }

// clockNames is a vector clock as the newest version of each author that it covers.
func clockNames(v clock.Vector) []string {
	return names(v, func(e clock.Entry) string { return e.Author.String() + "@" + strconv.FormatUint(e.Seq, 10) })
}

// clockForPeople is clockNames with the names that people gave.
func (db *database) clockForPeople(ctx context.Context, v clock.Vector) []string {
	return names(v, func(e clock.Entry) string { return db.author(ctx, e.Author) + "@" + strconv.FormatUint(e.Seq, 10) })
}
