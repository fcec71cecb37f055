package main

import (
	"context"
	"encoding/json"

	"github.com/kdelta/kdelta/replica"
)

type conflictsCmd struct {
	NS  string `arg:"" optional:"" name:"namespace" help:"Only those of this namespace."`
	All bool   `help:"Also resolved ones, and overwritten ones of more than 30 days ago."`
}

func (c *conflictsCmd) Run(ctx context.Context, a *app) error {
	prefix, err := keysOf(c.NS)
	if err != nil {
		return err
	}
	return a.readOrNothing(ctx, func(db *database) error {
		for conflict, err := range db.Conflicts(ctx, prefix, replica.ConflictQuery{All: c.All}) {
			if err != nil {
				return err
			}
			if a.asJSON {
				err = a.printJSON(conflictShape(&conflict))
			} else {
				a.printConflict(ctx, db, conflict)
			}
			if err == nil {
				err = a.show()
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) printConflict(ctx context.Context, db *database, c replica.Conflict) {
	where := ""
	if c.Path != "" {
		where = "  at " + c.Path
	}
	status := a.bad(string(c.Status))
	if c.Status != replica.ConflictOpen {
		status = a.faint(string(c.Status))
	}
	a.printf("%s%s  %s\n", a.key(c.Key), printable(where), status)
	if c.Chosen.Merged {
		a.printf("  %s %s\n", a.faint("shown "), a.oneLine(c.Chosen.Value, 10))
	} else {
		a.printSide(ctx, db, "chosen", c.Chosen)
	}
	for _, side := range c.Others {
		role := "hidden"
		if side.Merged {
			role = "from"
		}
		a.printSide(ctx, db, role, side)
	}
	if c.More > 0 {
		a.printf("  %s %d older ones: kdelta log %s\n", a.faint("more  "), c.More, printable(shellWord(c.Key)))
	}
	base := "nothing"
	if c.Base != nil {
		base = a.oneLine(c.Base, 10)
	}
	a.printf("  %s %s\n", a.faint("base  "), base)
	a.printf("  %s %s\n", a.faint("why   "), printable(c.Why))
	if c.Status != replica.ConflictOpen {
		a.printf("  %s %s\n", a.faint("closed"), a.version(db.versionName(ctx, c.ClosedBy)))
	}
	if len(c.Others) == 0 {
		return
	}
	key, other := printable(shellWord(c.Key)), printable(shellWord(db.versionName(ctx, c.Others[0].Version)))
	switch c.Status {
	case replica.ConflictOpen:
		a.printf("  %s kdelta resolve %s --take %s\n", a.faint("to do "), key, other)
	case replica.ConflictOverwritten: // perhaps by somebody who did not look
		a.printf("  %s kdelta revert %s --to %s\n", a.faint("back  "), key, other)
	}
}

func (a *app) printSide(ctx context.Context, db *database, role string, s replica.ConflictSide) {
	value := a.bad("deleted")
	if !s.Deleted {
		value = a.oneLine(s.Value, 50)
	}
	a.printf("  %s %s  %s  %s\n", a.faint(padded(role, role, 6)), a.version(db.versionName(ctx, s.Version)),
		a.faint(timeHuman(s.Version.Wall())), value)
}

// oneLine is a JSON value for a person, cut to what is left of the terminal's width beside used columns.
func (a *app) oneLine(value json.RawMessage, used int) string {
	room := 0
	if a.width > 0 {
		room = max(20, a.width-used)
	}
	return shorten(printable(string(value)), room)
}
