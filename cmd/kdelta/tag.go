package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kdelta/kdelta/replica"
)

type tagCmd struct {
	Name   string `arg:"" optional:"" help:"What to call the point. Without a name: list the tags."`
	Point  string `arg:"" optional:"" help:"The POINT to name. Default: now."`
	Delete string `placeholder:"NAME" help:"Remove this tag."`
}

func (tagCmd) Help() string {
	return `A tag names a point in the past on all devices, and can be written wherever a POINT can. A tag that is there already ` +
		`moves to the new point.`
}

func (c *tagCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.Delete != "" && c.Name != "":
		return usagef("tag takes a NAME to set or --delete NAME, one of the two")
	case c.Delete != "":
		return a.change(ctx, func(db *database) error {
			v, err := db.Untag(ctx, c.Delete)
			if err != nil {
				return err
			}
			return a.printWritten(ctx, db, ".tag/"+c.Delete, v)
		})
	case c.Name == "":
		return a.readOrNothing(ctx, func(db *database) error { return a.printTags(ctx, db) })
	}
	return a.change(ctx, func(db *database) error { return c.set(ctx, a, db) })
}

func (c *tagCmd) set(ctx context.Context, a *app, db *database) error {
	p, err := db.pointOrNil(ctx, c.Point)
	if err != nil {
		return err
	}
	was, err := db.tag(ctx, c.Name)
	if err != nil {
		return err
	}
	if _, err := db.Tag(ctx, c.Name, p); err != nil {
		return err
	}
	is, err := db.tag(ctx, c.Name)
	if err != nil {
		return err
	}
	if is == nil {
		return fmt.Errorf("%w: the tag %q, which was removed meanwhile", replica.ErrNotFound, c.Name)
	}
	if was != nil {
		a.notef("it was at %s", printable(strings.Join(db.versionNames(ctx, was.Frontier), " ")))
	}
	return a.printTag(ctx, db, *is, 0)
}

// tag is the tag of that name, nil where there is none.
func (db *database) tag(ctx context.Context, name string) (*replica.TagInfo, error) {
	tags, err := db.Tags(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(tags, func(t replica.TagInfo) bool { return t.Name == name }); i >= 0 {
		return &tags[i], nil
	}
	return nil, nil
}

func (a *app) printTags(ctx context.Context, db *database) error {
	tags, err := db.Tags(ctx)
	if err != nil {
		return err
	}
	widest := 0
	for _, t := range tags {
		widest = max(widest, columns(t.Name))
	}
	for _, t := range tags {
		if err := a.printTag(ctx, db, t, widest); err != nil {
			return err
		}
	}
	return nil
}

// tagJSON is a tag and the newest versions of the point that it names.
type tagJSON struct {
	Tag      string        `json:"tag"`
	Time     string        `json:"time"`
	Versions []versionName `json:"versions"`
}

// versionName is how a version is called, and the id that proves it.
type versionName struct {
	Version string `json:"version"`
	ID      string `json:"id"`
}

// printTag prints a tag, its name filled up to width columns.
func (a *app) printTag(ctx context.Context, db *database, t replica.TagInfo, width int) error {
	var newest time.Time
	for _, v := range t.Frontier {
		if v.Wall().After(newest) {
			newest = v.Wall()
		}
	}
	if !a.asJSON {
		versions := strings.Join(db.versionNames(ctx, t.Frontier), " ")
		a.printf("%s  %s  %s\n", padded(a.strong(t.Name), t.Name, width), a.faint(timeHuman(newest)), a.version(versions))
		return nil
	}
	shape := tagJSON{Tag: t.Name, Time: timeJSON(newest)}
	for _, v := range t.Frontier {
		shape.Versions = append(shape.Versions, versionName{Version: v.String(), ID: v.ID.String()})
	}
	return a.printJSON(shape)
}
