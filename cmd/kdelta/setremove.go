package main

import "context"

type setRemoveCmd struct {
	Key    string   `arg:"" help:"NAMESPACE/KEY."`
	Values []string `arg:"" name:"value" help:"Elements: JSON, or - for standard input."`
}

func (c *setRemoveCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	values, err := a.parseValues(ctx, c.Values)
	if err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		v, err := db.SetRemove(ctx, c.Key, values)
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}
