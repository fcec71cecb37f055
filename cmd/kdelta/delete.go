package main

import "context"

type deleteCmd struct {
	Key string `arg:"" help:"NAMESPACE/KEY."`
}

func (c *deleteCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		v, err := db.Delete(ctx, c.Key)
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}
