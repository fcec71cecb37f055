package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

type eraseCmd struct {
	Key     string `arg:"" help:"NAMESPACE/KEY."`
	Version string `placeholder:"VERSION" help:"Only what this version wrote to the key: AUTHOR@SEQ or its id."`
}

func (eraseCmd) Help() string {
	return `What was written to the key is destroyed: in this file when the command returns, on other devices when they sync, and in ` +
		`backups that are made then. Earlier backups keep it. The namespace must have been erasable when it was written (see ` +
		`"kdelta namespace --erasable"). That there were versions, by whom and when, stays, and so does the key's name. Nothing ` +
		`takes it back. What an erased version had changed inside a value may show again as it was: without --version the whole ` +
		`key is erased.`
}

// erasedJSON is the report of erase.
type erasedJSON struct {
	Key      string   `json:"key"`
	Versions []string `json:"versions"`
	Values   int      `json:"values"`
	Inline   int      `json:"inline"`
	Scrubbed bool     `json:"scrubbed"`
}

func (c *eraseCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		opts, err := c.options(ctx, db)
		if err != nil {
			return err
		}
		done, err := db.Erase(ctx, c.Key, opts...)
		if len(done.Versions) == 0 {
			return err
		}
		if printing := a.printErased(ctx, db, c.Key, &done); printing != nil {
			return printing
		}
		return err
	})
}

func (c *eraseCmd) options(ctx context.Context, db *database) ([]replica.EraseOption, error) {
	if c.Version == "" {
		return nil, nil
	}
	p, err := db.ParsePoint(ctx, c.Version)
	if err != nil {
		return nil, fmt.Errorf("--version: %w", err)
	}
	v, ok := p.(replica.Version)
	if !ok {
		return nil, usagef("--version %q is no version: write AUTHOR@SEQ or its id", c.Version)
	}
	return []replica.EraseOption{replica.OfVersion(v)}, nil
}

func (a *app) printErased(ctx context.Context, db *database, key string, done *replica.Erased) error {
	if done.Owed {
		a.notef("another process reads the file, which keeps bytes of what was erased in it until that is over; the next process that " +
			"has it open takes them out")
	}
	if a.asJSON {
		return a.printJSON(erasedJSON{
			Key: key, Versions: plainNames(done.Versions), Values: done.Values, Inline: done.Inline, Scrubbed: !done.Owed,
		})
	}
	a.printf("%s of %s erased by %s\n", count(done.Values, "value"), a.key(key),
		a.version(strings.Join(db.versionNames(ctx, done.Versions), " ")))
	return nil
}
