package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type setCmd struct {
	Key     string `arg:"" help:"NAMESPACE/KEY."`
	Value   string `arg:"" help:"JSON, or - for standard input."`
	Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
}

func (c *setCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	value, err := a.parseValue(ctx, c.Value)
	if err != nil {
		return err
	}
	return a.write(ctx, func(db *database) error {
		v, err := db.Set(ctx, c.Key, value, replica.Message(c.Message))
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}

// printWritten prints the version that a write made. Where there was nothing to change it made none.
func (a *app) printWritten(ctx context.Context, db *database, key string, v replica.Version) error {
	if v.IsZero() {
		a.notef("%s is so already: nothing was written", printable(key))
		if a.asJSON {
			return a.printJSON(unwrittenJSON{Key: key})
		}
		return nil
	}
	if a.asJSON {
		return a.printJSON(written(key, v))
	}
	a.printf("%s\n", a.version(db.versionName(ctx, v)))
	return nil
}
