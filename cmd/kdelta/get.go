package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

type getCmd struct {
	Key     string `arg:"" help:"NAMESPACE/KEY."`
	At      string `placeholder:"POINT" help:"As it was then."`
	Verbose bool   `short:"v" help:"Also print where the value is from."`
}

func (c *getCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.read(ctx, func(db *database) error {
		reader, err := db.readerAt(ctx, c.At)
		if err != nil {
			return err
		}
		doc, err := reader.Doc(ctx, c.Key)
		switch {
		case err != nil:
			return err
		case doc.Value == nil:
			return fmt.Errorf("%w: %s", replica.ErrNotFound, c.Key)
		case a.asJSON:
			return a.printJSON(docShape(doc))
		case c.Verbose:
			return a.printDoc(ctx, db, doc)
		}
		return a.printValue(doc.Value)
	})
}

// readerAt is the database itself, or its state at a point where one is given.
func (db *database) readerAt(ctx context.Context, point string) (replica.Reader, error) {
	if point == "" {
		return db, nil
	}
	p, err := db.ParsePoint(ctx, point)
	if err != nil {
		return nil, err
	}
	return db.At(p), nil
}

func (a *app) printDoc(ctx context.Context, db *database, doc replica.Doc) error {
	if err := a.printValue(doc.Value); err != nil {
		return err
	}
	a.fact("version", a.version(db.versionName(ctx, doc.Version))+" "+a.faint(doc.Version.ID.String()))
	a.fact("time", timeHuman(doc.Version.Wall()))
	a.fact("author", printable(db.author(ctx, doc.Version.Author)))
	a.fact("parents", printable(orNone(db.versionNames(ctx, doc.Parents))))
	a.fact("clock", printable(orNone(db.clockForPeople(ctx, doc.Clock))))
	a.fact("strategy", doc.Strategy)
	a.fact("kind", string(doc.Kind))
	conflicts := "none"
	if doc.Conflicts > 0 {
		conflicts = a.bad(count(doc.Conflicts, "open conflict")) + ": kdelta conflicts"
	}
	a.fact("conflicts", conflicts)
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}
