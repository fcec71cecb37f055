package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

type logCmd struct {
	Key    string `arg:"" optional:"" help:"Only what was written to this key."`
	Range  string `arg:"" optional:"" help:"Only versions that POINT B holds and POINT A does not: A..B, A.. or ..B. It may stand without a key."`
	Number int    `short:"n" placeholder:"N" help:"End after N versions."`
	Since  string `placeholder:"POINT" help:"Only versions after this point."`
	Until  string `placeholder:"POINT" help:"Only versions up to this point."`
	Author string `placeholder:"A" help:"Only versions of this device or person: a name or the beginning of a key."`
	Graph  bool   `help:"Draw the graph of versions, a line for each."`
}

func (logCmd) Help() string {
	return `The order is by time, then by the author's key, then by the version's id, all descending: a version comes ` +
		`before those that it was written on top of. In the drawing of --graph a line goes down from each version to those ` +
		`that it was written on top of; with a KEY or --author, to the nearest of those that are shown.`
}

func (c *logCmd) Run(ctx context.Context, a *app) error {
	if c.Number < 0 {
		return usagef("-n %d: write how many versions to show, 0 for all", c.Number)
	}
	if replica.IsRange(c.Key) && !strings.Contains(c.Key, "/") { // alone, or in front as git has it
		c.Key, c.Range = c.Range, c.Key
	}
	if c.Range != "" && (c.Since != "" || c.Until != "") {
		return usagef("%s says since when and until when: leave --since and --until out", c.Range)
	}
	if c.Key == "" {
		return a.readOrNothing(ctx, func(db *database) error { return c.print(ctx, a, db) })
	}
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.read(ctx, func(db *database) error { return c.print(ctx, a, db) })
}

func (c *logCmd) print(ctx context.Context, a *app, db *database) error {
	query, err := c.query(ctx, a, db)
	if err != nil {
		return err
	}
	if c.Graph && !a.asJSON {
		return c.draw(ctx, a, db, query)
	}
	for entry, err := range db.Log(ctx, c.Key, query) {
		if err == nil {
			err = a.printLogEntry(ctx, db, entry)
		}
		if err == nil {
			err = a.show()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// draw prints the log beside its graph.
func (c *logCmd) draw(ctx context.Context, a *app, db *database, query replica.LogQuery) error {
	drawing := newGraph(a, db)
	for entry, err := range db.Graph(ctx, c.Key, query) {
		if err != nil {
			return err
		}
		drawing.print(ctx, &entry)
		if err := a.show(); err != nil {
			return err
		}
	}
	return nil
}

func (c *logCmd) query(ctx context.Context, a *app, db *database) (replica.LogQuery, error) {
	query := replica.LogQuery{Limit: c.Number, Author: c.Author, NoClock: !a.asJSON}
	var err error
	if c.Range != "" {
		query.Since, query.Until, err = db.ParseRange(ctx, c.Range)
		return query, err
	}
	if query.Since, err = db.pointOrNil(ctx, c.Since); err != nil {
		return query, fmt.Errorf("--since: %w", err)
	}
	if query.Until, err = db.pointOrNil(ctx, c.Until); err != nil {
		return query, fmt.Errorf("--until: %w", err)
	}
	return query, nil
}

func (a *app) printLogEntry(ctx context.Context, db *database, e replica.LogEntry) error {
	if a.asJSON {
		return a.printJSON(logShape(e))
	}
	head := a.version(db.versionName(ctx, e.Version)) + "  " + a.faint(timeHuman(e.Wall()))
	if len(e.Parents) > 1 {
		head += "  " + a.faint("joins "+strings.Join(db.versionNames(ctx, e.Parents), " "))
	}
	if e.Message != "" {
		head += "  " + a.strong(e.Message)
	}
	a.printf("%s\n", head)
	widest := 10
	for _, op := range e.Ops[:min(len(e.Ops), maxListed+1)] {
		widest = max(widest, len(op.Op))
	}
	for i, op := range e.Ops {
		if i == maxListed && len(e.Ops) > maxListed+1 {
			a.printf("  %s\n", a.faint(fmt.Sprintf("and %d more; --json lists them", len(e.Ops)-i)))
			break
		}
		line := fmt.Sprintf("%-*s ", widest, op.Op)
		room := 0
		if a.width > 0 {
			room = max(10, a.width-len(line)-columns(op.Key)-4)
		}
		value := shorten(printable(operand(&op)), room)
		if op.Erased {
			value = a.faint("erased")
		}
		a.printf("%s\n", strings.TrimRight("  "+a.faint(line)+a.key(op.Key)+" "+value, " "))
	}
	return nil
}

// operand is what an op does to its key, for a person.
func operand(op *replica.LogOp) string {
	switch {
	case op.Op == "resolve", op.Op == "erase":
		return "" // the entries of conflicts say what it closed, and --json what it erased
	case len(op.Removed) == 0:
		return string(op.Value)
	}
	without := "without " + strings.Join(op.Removed, " ")
	if string(op.Value) == "{}" {
		return without
	}
	return string(op.Value) + " " + without
}
