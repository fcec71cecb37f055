package main

import (
	"context"
	"fmt"

	"github.com/kdelta/kdelta/replica"
)

type diffCmd struct {
	Key  string `arg:"" help:"NAMESPACE/KEY."`
	From string `arg:"" optional:"" help:"The POINT to compare from. Default: before the last edit."`
	To   string `arg:"" optional:"" help:"The POINT to compare with. Default: now."`
}

func (diffCmd) Help() string {
	return `Without points it shows what the last edit of the key changed, by itself, whatever was written beside it. A line ` +
		`that starts with - is what stood at a path, one with + what stands there now; paths are JSON pointers, and a whole ` +
		`value has none. Objects are compared member by member, anything else is one piece. --json prints an RFC 6902 patch, ` +
		`which makes the value at FROM the value at TO.`
}

func (c *diffCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.read(ctx, func(db *database) error {
		from, err := db.pointOrNil(ctx, c.From)
		if err != nil {
			return fmt.Errorf("from: %w", err)
		}
		to, err := db.pointOrNil(ctx, c.To)
		if err != nil {
			return fmt.Errorf("to: %w", err)
		}
		changes, err := db.Diff(ctx, c.Key, from, to)
		if err != nil {
			return err
		}
		if a.asJSON {
			patch, err := replica.Patch(changes)
			if err != nil {
				return err
			}
			return a.printJSON(patch)
		}
		a.printChanges(changes)
		return nil
	})
}

// pointOrNil is the point that a text means, nil where there is no text.
func (db *database) pointOrNil(ctx context.Context, text string) (replica.Point, error) {
	if text == "" {
		return nil, nil
	}
	return db.ParsePoint(ctx, text)
}

func (a *app) printChanges(changes []replica.PathChange) {
	for _, change := range changes {
		where := ""
		if change.Path != "" {
			where = change.Path + ": "
		}
		if change.Old != nil {
			a.printf("%s\n", a.bad("- "+where+string(change.Old)))
		}
		if change.New != nil {
			a.printf("%s\n", a.good("+ "+where+string(change.New)))
		}
	}
}
