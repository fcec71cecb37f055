package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/replica"
)

type restoreCmd struct {
	File string `arg:"" help:"What backup wrote, or - for standard input."`
}

// Help is what --help adds.
func (restoreCmd) Help() string {
	return `The database (--db) must not exist or hold nothing. The restored database is a new author of the same space: ` +
		`it can sync with the one that the backup is from.`
}

func (c *restoreCmd) Run(ctx context.Context, a *app) error {
	from := io.Reader(&untilDone{ctx, a.stdin})
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("%w: %w", errInput, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	there, err := present(a.dbPath)
	if err != nil {
		return err
	}
	if there {
		return c.into(ctx, a, from, a.dbPath)
	}
	return c.fresh(ctx, a, from)
}

// unfinishedRestore is what the name of the folder begins with that a database is restored in.
const unfinishedRestore = ".kdelta-restore-"

// fresh restores beside the place where the database is to be and moves it there when it is whole.
func (c *restoreCmd) fresh(ctx context.Context, a *app, from io.Reader) error {
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
	if err := c.into(ctx, a, from, path); err != nil {
		return err
	}
	return replaceDatabase(a.dbPath, path)
}

// into restores into the store at path, which must hold nothing.
func (c *restoreCmd) into(ctx context.Context, a *app, from io.Reader, path string) error {
	st, err := a.openStore(path, false)
	if err != nil {
		return err
	}
	bar := a.progress("restore", 0)
	r, rep, err := replica.Restore(ctx, st, bufio.NewReader(from), a.options(), bar.at)
	bar.end()
	if err != nil {
		return errors.Join(c.explain(a, err), st.Close())
	}
	return newDatabase(r, st, path).closeAfter(a.printBackup(a.stdout, c.File, rep))
}

func (c *restoreCmd) explain(a *app, err error) error {
	from := c.File
	if from == "-" {
		from = "standard input"
	}
	if errors.Is(err, replica.ErrBackupKeys) {
		return fmt.Errorf("%s was not restored: %w: kdelta --db %s join INVITE, then the same again", from, err, a.dbPath)
	}
	if errors.Is(err, replica.ErrUsed) {
		return &sayError{kind: err, cause: fmt.Errorf("%s holds data already: restore into a new file with --db, then sync the two", a.dbPath)}
	}
	return fmt.Errorf("%s was not restored: %w", from, err)
}
