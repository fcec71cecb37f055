package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type whyCmd struct {
	What string `arg:"" name:"key" help:"A key, or a version seen elsewhere: AUTHOR@SEQ or its id."`
}

// whyJSON is an explanation.
type whyJSON struct {
	Key string   `json:"key"`
	Why []string `json:"why"`
}

func (c *whyCmd) Run(ctx context.Context, a *app) error {
	if c.What == "" {
		return usagef("name a key or a version")
	}
	return a.read(ctx, func(db *database) error {
		var q replica.WhyQuery
		if !a.asJSON {
			q.Time = timeHuman
		}
		sentences, err := db.Why(ctx, c.What, q)
		if err != nil {
			return err
		}
		if a.asJSON {
			return a.printJSON(whyJSON{Key: c.What, Why: append([]string{}, sentences...)})
		}
		for _, sentence := range sentences {
			a.printf("%s\n", printable(sentence))
		}
		return nil
	})
}
