package main

import (
	"context"
	"fmt"

	"github.com/kdelta/kdelta/replica"
)

type revertCmd struct {
	Key     string `arg:"" help:"NAMESPACE/KEY."`
	To      string `required:"" placeholder:"POINT" help:"The point whose value to write."`
	Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
}

func (revertCmd) Help() string {
	return `A counter is moved by the difference and a set by its elements, so that what others add meanwhile stays. Where the ` +
		`key showed nothing at the point it is deleted. What it shows already is not written again.`
}

func (c *revertCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		to, err := db.ParsePoint(ctx, c.To)
		if err != nil {
			return fmt.Errorf("--to: %w", err)
		}
		v, err := db.Revert(ctx, c.Key, to, replica.Message(c.Message))
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}
