package main

import (
	"context"
	"encoding/json"

	"github.com/kdelta/kdelta/replica"
)

type blameCmd struct {
	Key string `arg:"" help:"NAMESPACE/KEY."`
}

func (blameCmd) Help() string {
	return `A line for each leaf of the value (whatever is no object, or an empty one): the version since which the leaf has ` +
		`been as it is, when that was written, the person where one is known, the leaf's path as a JSON pointer and what stands there.`
}

func (c *blameCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.read(ctx, func(db *database) error {
		lines, err := db.Blame(ctx, c.Key)
		if err != nil {
			return err
		}
		if !a.asJSON {
			a.printBlame(ctx, db, lines)
			return nil
		}
		for _, l := range lines {
			if err := a.printJSON(blameShape(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// blameJSON is one leaf of a value and the version that last set it.
type blameJSON struct {
	Path    string          `json:"path"`
	Value   json.RawMessage `json:"value"`
	Version string          `json:"version"`
	ID      string          `json:"id"`
	Author  string          `json:"author"`
	Time    string          `json:"time"`
}

func blameShape(l replica.BlameLine) blameJSON {
	return blameJSON{
		Path: l.Path, Value: l.Value, Version: l.Version.String(), ID: l.Version.ID.String(),
		Author: l.Version.Author.String(), Time: timeJSON(l.Version.Wall()),
	}
}

// printBlame aligns versions, persons and paths in columns.
func (a *app) printBlame(ctx context.Context, db *database, lines []replica.BlameLine) {
	type row struct{ version, person, path string }
	rows := make([]row, len(lines))
	var widest struct{ version, person, path int }
	for i, l := range lines {
		_, person := db.Name(ctx, l.Version.Author)
		rows[i] = row{db.versionName(ctx, l.Version), person, l.Path}
		widest.version = max(widest.version, columns(rows[i].version))
		widest.person = max(widest.person, columns(person))
		widest.path = max(widest.path, columns(l.Path))
	}
	for i, l := range lines {
		r, when := rows[i], timeHuman(l.Version.Wall())
		a.printf("%s  %s  ", padded(a.version(r.version), r.version, widest.version), a.faint(when))
		used := widest.version + len(when) + 4
		if widest.person > 0 {
			a.printf("%s  ", padded(printable(r.person), r.person, widest.person))
			used += widest.person + 2
		}
		if widest.path > 0 {
			a.printf("%s  ", padded(a.key(r.path), r.path, widest.path))
			used += widest.path + 2
		}
		a.printf("%s\n", a.oneLine(l.Value, used))
	}
}
