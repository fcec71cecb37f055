package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

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
				err = a.printJSON(conflict)
			} else {
				a.printConflict(ctx, db, conflict)
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
	status := a.bad(c.Status)
	if c.Status != "open" {
		status = a.faint(c.Status)
	}
	a.printf("%s%s  %s\n", a.key(c.Key), printable(where), status)
	a.printSide(ctx, db, "chosen", c.Chosen)
	for _, side := range c.Lost {
		a.printSide(ctx, db, "lost", side)
	}
	if c.More > 0 {
		a.printf("  %s %d older ones: kdelta log %s\n", a.faint("more  "), c.More, printable(c.Key))
	}
	base := "nothing"
	if c.Base != nil {
		base = a.oneLine(c.Base, 10)
	}
	a.printf("  %s %s\n", a.faint("base  "), base)
	a.printf("  %s %s\n", a.faint("why   "), printable(c.Why))
	switch {
	case c.Status != "open":
		name, _ := db.side(ctx, replica.ConflictSide{Version: c.ClosedBy})
		a.printf("  %s %s\n", a.faint("closed"), a.version(name))
	case len(c.Lost) > 0:
		name, _ := db.side(ctx, c.Lost[0])
		a.printf("  %s kdelta resolve %s --take %s\n", a.faint("to do "), printable(c.Key), printable(name))
	}
}

func (a *app) printSide(ctx context.Context, db *database, role string, s replica.ConflictSide) {
	value := a.bad("deleted")
	if !s.Deleted {
		value = a.oneLine(s.Value, 50)
	}
	name, when := db.side(ctx, s)
	a.printf("  %s %s  %s  %s\n", a.faint(padded(role, role, 6)), a.version(name), a.faint(when), value)
}

// side is the version of a side with the name that people gave its author, and when it was written. The first version of an
// author is looked up for that, the others are called after it.
func (db *database) side(ctx context.Context, s replica.ConflictSide) (name, when string) {
	key, seq, _ := strings.Cut(s.Version, "@")
	author, known := db.called[key]
	if !known {
		author = key
		if p, err := db.ParsePoint(ctx, s.Version); err == nil {
			if v, ok := p.(replica.Version); ok {
				author = db.author(ctx, v.Author)
			}
		}
		db.called[key] = author
	}
	when = s.Time
	if t, err := time.Parse(time.RFC3339, s.Time); err == nil {
		when = timeHuman(t)
	}
	return author + "@" + seq, when
}

// oneLine is a JSON value for a person, cut to what is left of the terminal's width beside used columns.
func (a *app) oneLine(value json.RawMessage, used int) string {
	room := 0
	if a.width > 0 {
		room = max(20, a.width-used)
	}
	return shorten(printable(string(value)), room)
}
