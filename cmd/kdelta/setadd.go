package main

import "context"

type setAddCmd struct {
	Key    string   `arg:"" help:"NAMESPACE/KEY."`
	Values []string `arg:"" name:"value" help:"Elements: JSON, or - for standard input."`
}

func (c *setAddCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	values, err := a.parseValues(ctx, c.Values)
	if err != nil {
		return err
	}
	return a.write(ctx, func(db *database) error {
		v, err := db.SetAdd(ctx, c.Key, values)
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}
