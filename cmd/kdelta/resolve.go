package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/replica"
)

type resolveCmd struct {
	Key   string  `arg:"" help:"NAMESPACE/KEY."`
	Value *string `arg:"" optional:"" help:"The value to settle on: JSON, or - for standard input."`
	Take  string  `placeholder:"VERSION" help:"Settle on the side that this version wrote."`
}

func (c *resolveCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	if (c.Value == nil) == (c.Take == "") {
		return usagef("resolve takes a VALUE or --take VERSION, one of the two")
	}
	var value any
	if c.Value != nil {
		parsed, err := a.parseValue(ctx, *c.Value)
		if err != nil {
			return err
		}
		value = parsed
	}
	return a.change(ctx, func(db *database) error {
		v, err := c.resolve(ctx, db, value)
		if errors.Is(err, replica.ErrNoConflict) && c.Take == "" {
			return fmt.Errorf("%w; kdelta set writes another value", err)
		}
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}

func (c *resolveCmd) resolve(ctx context.Context, db *database, value any) (replica.Version, error) {
	if c.Take == "" {
		return db.Resolve(ctx, c.Key, value)
	}
	side, err := db.ParsePoint(ctx, c.Take)
	if err != nil {
		return replica.Version{}, err
	}
	return db.ResolveTake(ctx, c.Key, side)
}
