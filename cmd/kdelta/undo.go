package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type undoCmd struct {
	Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
}

func (undoCmd) Help() string {
	return `The last edit that was made with this database file and not undone yet is taken back, by a new version; what others ` +
		`wrote stays. Undo after undo goes further back. kdelta revert KEY --to VERSION brings back what an undone version had written.`
}

func (c *undoCmd) Run(ctx context.Context, a *app) error {
	return a.change(ctx, func(db *database) error {
		undone, err := db.Undo(ctx, replica.Message(c.Message))
		if err != nil {
			return err
		}
		if a.asJSON {
			return a.printJSON(undoneShape(undone))
		}
		a.printf("%s  %s\n", a.version(db.versionName(ctx, undone.Version)), a.faint("takes back"))
		return a.printLogEntry(ctx, db, undone.Edit)
	})
}

// undoneJSON is the version that took an edit back, and the edit.
type undoneJSON struct {
	Version string  `json:"version"`
	ID      string  `json:"id"`
	Time    string  `json:"time"`
	Undone  logJSON `json:"undone"`
}

func undoneShape(u replica.Undone) undoneJSON {
	return undoneJSON{
		Version: u.String(), ID: u.ID.String(), Time: timeJSON(u.Wall()), Undone: logShape(u.Edit),
	}
}
