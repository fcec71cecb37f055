package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/replica"
)

type backupCmd struct {
	File   string `arg:"" help:"The file to write, which must not exist, or - for standard output."`
	NoKeys bool   `help:"Leave the space's keys out: restoring then needs an invite as well."`
}

// Help is what --help adds.
func (backupCmd) Help() string {
	return `The backup holds every version and, unless --no-keys, the keys of the space: it is readable by its owner only, ` +
		`keep it so. The database may be in use meanwhile. On standard output it may be sent through a pipe; the report is on ` +
		`standard error then.`
}

// backupJSON is the report of a backup or a restore.
type backupJSON struct {
	File     string `json:"file"`
	Versions int    `json:"versions"`
	Bytes    int64  `json:"bytes"`
	Keys     bool   `json:"keys"`
}

func (c *backupCmd) Run(ctx context.Context, a *app) error {
	if c.File == "-" {
		return c.stream(ctx, a)
	}
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("%s exists already and is not overwritten; choose another name", c.File)
	}
	return a.read(ctx, func(db *database) error {
		rep, err := c.write(ctx, a, db)
		if err != nil {
			return fmt.Errorf("backup to %s: %w", c.File, err)
		}
		return a.printBackup(a.stdout, c.File, rep)
	})
}

// stream writes the backup to standard output, which is not for people's eyes.
func (c *backupCmd) stream(ctx context.Context, a *app) error {
	if a.stdoutTTY {
		return usagef("a backup is nothing to look at: name a file, or send standard output to one or through a pipe")
	}
	return a.read(ctx, func(db *database) error {
		rep, err := c.copy(ctx, a, db, a.stdout)
		if err = errors.Join(err, a.flush()); err != nil {
			return fmt.Errorf("backup to standard output: %w", err)
		}
		return a.printBackup(a.stderr, c.File, rep)
	})
}

// copy writes the backup to w.
func (c *backupCmd) copy(ctx context.Context, a *app, db *database, w io.Writer) (replica.BackupReport, error) {
	bar := a.progress("backup", 0)
	defer bar.end()
	return db.Backup(ctx, w, replica.BackupOptions{NoKeys: c.NoKeys, Progress: bar.at})
}

// unfinishedBackup is what the name of a backup begins with until it is whole.
const unfinishedBackup = ".kdelta-backup-"

// write writes the backup under another name and gives it its own when all of it is on the disk: what stands at FILE is
// always whole.
func (c *backupCmd) write(ctx context.Context, a *app, db *database) (rep replica.BackupReport, err error) {
	temporary.Sweep(filepath.Dir(c.File), unfinishedBackup)
	f, err := temporary.File(filepath.Dir(c.File), unfinishedBackup)
	if err != nil {
		return rep, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	rep, err = c.copy(ctx, a, db, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return rep, err
	}
	if err := publish(f.Name(), c.File); err != nil {
		return rep, err
	}
	return rep, syncFolder(filepath.Dir(c.File))
}

// publish gives a finished file its name and never takes another file's: a hard link fails where the name is taken,
// and only a file system without links leaves a moment between asking and renaming.
func publish(temporary, path string) error {
	err := os.Link(temporary, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return os.Rename(temporary, path)
}

// printBackup tells on w what is in a backup, for backup and restore alike.
func (a *app) printBackup(w io.Writer, file string, rep replica.BackupReport) error {
	if a.asJSON {
		line, err := compactJSON(backupJSON{File: file, Versions: rep.Versions, Bytes: rep.Bytes, Keys: rep.Keys})
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", line)
		}
		return err
	}
	keys := "with the keys of the space"
	if !rep.Keys {
		keys = "without keys"
	}
	_, err := fmt.Fprintf(w, "%s  %s, %s, %s\n", a.key(file), count(rep.Versions, "version"), byteSize(rep.Bytes), keys)
	return err
}
