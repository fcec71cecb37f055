package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type strategyCmd struct {
	NS       string `arg:"" name:"namespace" help:"The namespace to change."`
	Strategy string `arg:"" complete:"lww,mv,fields,max,min,union" help:"How concurrent writes merge: lww, mv, fields, max, min or union."`
}

func (c *strategyCmd) Run(ctx context.Context, a *app) error {
	if err := checkNamespace(c.NS); err != nil {
		return err
	}
	if err := checkStrategy(c.Strategy); err != nil {
		return err
	}
	return a.changeSettings(ctx, c.NS, replica.Settings{Strategy: c.Strategy})
}
