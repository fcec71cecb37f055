package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/replica"
)

type restoreCmd struct {
	File string `arg:"" help:"What backup wrote."`
}

// Help is what --help adds.
func (restoreCmd) Help() string {
	return `The database (--db) must not exist or hold nothing. The restored database is a new author of the same space: ` +
		`it can sync with the one that the backup is from.`
}

func (c *restoreCmd) Run(ctx context.Context, a *app) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	defer func() { _ = f.Close() }()
	there, err := present(a.dbPath)
	if err != nil {
		return err
	}
	if there {
		return c.into(ctx, a, f, a.dbPath)
	}
	return c.fresh(ctx, a, f)
}

// unfinishedRestore is what the name of the folder begins with that a database is restored in.
const unfinishedRestore = ".kdelta-restore-"

// fresh restores beside the place where the database is to be and moves it there when it is whole.
func (c *restoreCmd) fresh(ctx context.Context, a *app, f *os.File) error {
	parent := filepath.Dir(a.dbPath)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	temporary.Sweep(parent, unfinishedRestore)
	folder, err := temporary.Folder(parent, unfinishedRestore)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, filepath.Base(a.dbPath))
	if err := c.into(ctx, a, f, path); err != nil {
		return err
	}
	return replaceDatabase(a.dbPath, path)
}

// into restores into the store at path, which must hold nothing.
func (c *restoreCmd) into(ctx context.Context, a *app, f *os.File, path string) error {
	st, err := a.openStore(path, false)
	if err != nil {
		return err
	}
	bar := a.progress("restore", 0)
	r, rep, err := replica.Restore(ctx, st, bufio.NewReader(f), a.options(), bar.at)
	bar.end()
	if err != nil {
		return errors.Join(c.explain(a, err), st.Close())
	}
	return newDatabase(r, st, path).closeAfter(a.printBackup(c.File, rep))
}

func (c *restoreCmd) explain(a *app, err error) error {
	if errors.Is(err, replica.ErrBackupKeys) {
		return fmt.Errorf("%s was not restored: %w: kdelta --db %s join INVITE, then the same again", c.File, err, a.dbPath)
	}
	if errors.Is(err, replica.ErrUsed) {
		return fmt.Errorf("%s holds data already: restore into a new file with --db, then sync the two: %w", a.dbPath, err)
	}
	return fmt.Errorf("%s was not restored: %w", c.File, err)
}
