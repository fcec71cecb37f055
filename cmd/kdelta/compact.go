package main

import (
	"context"
	"path/filepath"

	"github.com/kdelta/kdelta/internal/temporary"
)

type compactCmd struct{}

// Help is what --help adds.
func (compactCmd) Help() string {
	return `Old versions are packed by themselves, bit by bit, where a program runs for a while. This packs all of them now, and ` +
		`writes the file anew without the room that is free; what commands that were killed long ago left beside it goes. Nothing that can be read changes, and the database may be in use ` +
		`meanwhile; there must be room on the disk for a second one.`
}

// compactReport is the report of compact: the sizes of the database file.
type compactReport struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

func (c *compactCmd) Run(ctx context.Context, a *app) error {
	return a.change(ctx, func(db *database) error {
		before := diskBytes(db.path)
		bar := a.progress("compact", 0)
		err := db.Compact(ctx, bar.at)
		bar.end()
		if err != nil {
			return err
		}
		temporary.Sweep(filepath.Dir(db.path), unfinishedAdoption, unfinishedBackup, unfinishedRestore)
		after := diskBytes(db.path)
		if a.asJSON {
			return a.printJSON(compactReport{Before: before, After: after})
		}
		a.printf("%s before, %s now\n", byteSize(before), byteSize(after))
		return nil
	})
}
