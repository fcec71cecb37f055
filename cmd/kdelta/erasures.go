package main

import (
	"context"
	"strings"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

type erasuresCmd struct{}

func (erasuresCmd) Help() string {
	return `A device has confirmed an erasure when it has said, in a sync with this one, that it holds it; then the values are gone there. ` +
		`"ahead" marks one whose version has not come yet: its proof came with versions that it took values from.`
}

// erasureJSON is one version that erased something.
type erasureJSON struct {
	Version     string   `json:"version"`
	ID          string   `json:"id"`
	Time        string   `json:"time"`
	Author      string   `json:"author"`
	Keys        []string `json:"keys"`
	Values      int      `json:"values"`
	Applied     bool     `json:"applied"`
	Scrubbed    bool     `json:"scrubbed"`
	Confirmed   []string `json:"confirmed"`
	Unconfirmed []string `json:"unconfirmed"`
}

func (c *erasuresCmd) Run(ctx context.Context, a *app) error {
	return a.readOrNothing(ctx, func(db *database) error {
		for e, err := range db.Erasures(ctx) {
			if err == nil {
				err = a.printErasure(ctx, db, &e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) printErasure(ctx context.Context, db *database, e *replica.Erasure) error {
	if a.asJSON {
		return a.printJSON(erasureJSON{
			Version: e.Version.String(), ID: e.Version.ID.String(), Time: timeJSON(e.Version.Wall()), Author: e.Version.Author.String(),
			Keys: e.Keys, Values: e.Values, Applied: e.Applied, Scrubbed: e.Scrubbed,
			Confirmed: names(e.Confirmed, authorJSON), Unconfirmed: names(e.Unconfirmed, authorJSON),
		})
	}
	what := e.Keys[0]
	if len(e.Keys) > 1 {
		what = count(len(e.Keys), "key")
	}
	line := a.version(db.versionName(ctx, e.Version)) + "  " + a.faint(timeHuman(e.Version.Wall())) + "  " +
		count(e.Values, "value") + " of " + a.key(what)
	if !e.Applied {
		line += "  ahead"
	}
	if !e.Scrubbed {
		line += "  " + a.bad("still in the file")
	}
	called := func(who identity.Author) string { return db.author(ctx, who) }
	if len(e.Confirmed) > 0 {
		line += "  " + a.good("confirmed by "+strings.Join(names(e.Confirmed, called), ", "))
	}
	if len(e.Unconfirmed) > 0 {
		line += "  " + a.bad("not by "+strings.Join(names(e.Unconfirmed, called), ", "))
	}
	a.printf("%s\n", line)
	return nil
}
