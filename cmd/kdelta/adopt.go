package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kdelta/kdelta/internal/temporary"
)

// Files that SQLite and the store keep beside a database.
const (
	walSuffix     = "-wal"
	sidecarSuffix = "-instance"
)

// unfinishedAdoption is what the name of the folder begins with that a database is adopted in. It holds copies of what the old file
// holds, and nobody has seen it: where a process was killed, nothing is lost with it.
const unfinishedAdoption = ".kdelta-adopt-"

// adopt joins the space of an invite with a database that has lived by itself: its values go into a new file that
// belongs to the space, the new file takes the old one's place, and the old one is kept beside.
func (a *app) adopt(ctx context.Context, invite string, hints []string) error {
	path, err := filepath.EvalSymlinks(a.dbPath)
	if err != nil {
		return err
	}
	temporary.Sweep(filepath.Dir(path), unfinishedAdoption)
	folder, err := temporary.Folder(filepath.Dir(path), unfinishedAdoption)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	fresh := filepath.Join(folder, filepath.Base(path))

	adopted, err := a.adoptInto(ctx, path, fresh, invite)
	if err != nil {
		return err
	}
	kept, err := a.exchange(path, fresh)
	if err != nil {
		return err
	}
	db, err := a.openDatabase(ctx, path, false)
	if err != nil {
		return err
	}
	return db.closeAfter(a.printJoined(ctx, db, hints, joinJSON{Adopted: &adopted, Kept: kept}))
}

// adoptInto writes the values of the database at path into a new one at fresh, which joins the invite's space, and
// returns how many there were. Both are closed afterwards.
func (a *app) adoptInto(ctx context.Context, path, fresh, invite string) (adopted int, err error) {
	old, err := a.openDatabase(ctx, path, false)
	if err != nil {
		return 0, err
	}
	st, err := a.openStore(fresh, false)
	if err != nil {
		return 0, old.closeAfter(err)
	}
	r, rep, err := old.Adopt(ctx, invite, st)
	if err != nil {
		return 0, old.closeAfter(errors.Join(err, st.Close()))
	}
	err = newDatabase(r, st, fresh).closeAfter(nil)
	return rep.Records, old.closeAfter(err)
}

// exchange puts the file at fresh in the place of the one at path and keeps that beside, under the name it returns. A
// crash on the way leaves the old file or the new one at path, whole.
func (a *app) exchange(path, fresh string) (kept string, err error) {
	if _, err := os.Stat(path + walSuffix); err == nil {
		return "", fmt.Errorf("%s is open in another process: end that first; nothing was changed", path)
	}
	name := strings.TrimSuffix(path, ".db") + ".before-adopt-" + a.now().UTC().Format("20060102-150405") + ".db"
	if err := os.Link(path, name); err != nil {
		return "", fmt.Errorf("keep the old file: %w", err)
	}
	if err := os.Link(path+sidecarSuffix, name+sidecarSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keep the old file: %w", err)
	}
	return name, replaceDatabase(path, fresh)
}

// replaceDatabase moves a closed database with its sidecar. The sidecar goes first: between the two renames the old
// file has a stranger's sidecar, which costs it an author and nothing else.
func replaceDatabase(path, fresh string) error {
	if err := os.Rename(fresh+sidecarSuffix, path+sidecarSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes renames in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
