package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/replica"
)

type diffCmd struct {
	Key  string `arg:"" help:"NAMESPACE/KEY."`
	From string `arg:"" optional:"" help:"The POINT to compare from, or a RANGE of both: A..B. Default: before the last edit."`
	To   string `arg:"" optional:"" help:"The POINT to compare with. Default: now."`
}

func (diffCmd) Help() string {
	return `Without points it shows what the last edit of the key changed, by itself, whatever was written beside it. A line ` +
		`that starts with - is what stood at a path, one with + what stands there now; paths are JSON pointers, and a whole ` +
		`value has none. Objects are compared member by member, anything else is one piece; of a text the lines that changed ` +
		`are shown, of long lines the words. --json prints an RFC 6902 patch, which makes the value at FROM the value at TO; ` +
		`for a text it has "splices" too: what to put in and take out, one after the other, positions in code points.`
}

func (c *diffCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.read(ctx, func(db *database) error {
		from, to, err := c.points(ctx, db)
		if err != nil {
			return err
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
		return a.printChanges(changes)
	})
}

// points are those to compare; nil stands for one that was not given.
func (c *diffCmd) points(ctx context.Context, db *database) (from, to replica.Point, err error) {
	if c.To == "" && replica.IsRange(c.From) {
		return db.ParseRange(ctx, c.From)
	}
	if from, err = db.pointOrNil(ctx, c.From); err != nil {
		return nil, nil, fmt.Errorf("from: %w", err)
	}
	if to, err = db.pointOrNil(ctx, c.To); err != nil {
		return nil, nil, fmt.Errorf("to: %w", err)
	}
	return from, to, nil
}

// pointOrNil is the point that a text means, nil where there is no text.
func (db *database) pointOrNil(ctx context.Context, text string) (replica.Point, error) {
	if text == "" {
		return nil, nil
	}
	return db.ParsePoint(ctx, text)
}

func (a *app) printChanges(changes []replica.PathChange) error {
	for _, change := range changes {
		if change.Splices != nil {
			from, to, err := textsOf(change)
			if err != nil {
				return err
			}
			a.printTextDiff(from, to)
			continue
		}
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
	return nil
}

// textsOf is what the change of a text says; nothing counts as an empty one.
func textsOf(change replica.PathChange) (from, to string, err error) {
	for _, side := range []struct {
		value json.RawMessage
		into  *string
	}{{change.Old, &from}, {change.New, &to}} {
		if side.value != nil {
			err = errors.Join(err, json.Unmarshal(side.value, side.into))
		}
	}
	return from, to, err
}
