package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/replica"
)

type addCmd struct {
	Key string `arg:"" help:"NAMESPACE/KEY."`
	// N is text because a negative number comes with white space in front (keepNegativeNumbers).
	N string `arg:"" default:"1" help:"An integer, negative ones too."`
}

func (c *addCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(c.N), 10, 64)
	if err != nil || n < -canon.MaxInteger || n > canon.MaxInteger {
		return usagef("%q is no integer that a counter can add (±(2^53−1))", shorten(strings.TrimSpace(c.N), 40))
	}
	return a.write(ctx, func(db *database) error {
		var value json.RawMessage
		v, err := db.Update(ctx, func(tx *replica.Tx) error { // read in between by nobody else: the value is this version's
			if err := tx.Add(c.Key, n); err != nil {
				return err
			}
			_, err := tx.Get(c.Key, &value)
			return err
		})
		if err != nil {
			return err
		}
		if a.asJSON {
			shape := written(c.Key, v)
			shape.Value = value
			return a.printJSON(shape)
		}
		return a.printValue(value)
	})
}
