package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/replica"
)

type remoteCmd struct {
	List   remoteListCmd   `cmd:"" default:"1" help:"List what sync without a target syncs with."`
	Add    remoteAddCmd    `cmd:"" help:"Remember a database file or a node."`
	Remove remoteRemoveCmd `cmd:"" help:"Forget one."`
}

type (
	remoteListCmd struct{}
	remoteAddCmd  struct {
		Target string `arg:"" help:"A database file, or the address of a node: ws://HOST:PORT, wss://HOST:PORT."`
	}
	remoteRemoveCmd struct {
		Target string `arg:"" help:"As remote list prints it, or a path to the same file."`
	}
)

// remoteJSON is one remembered target.
type remoteJSON struct {
	Target string `json:"target"`
}

func (c *remoteListCmd) Run(ctx context.Context, a *app) error {
	return a.readOrNothing(ctx, func(db *database) error {
		remotes, err := db.Remotes(ctx)
		if err != nil {
			return err
		}
		for _, target := range remotes {
			if err := a.printRemote(target); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *remoteAddCmd) Run(ctx context.Context, a *app) error {
	if err := checkTarget(c.Target, true); err != nil { // sync says when it is refused to go there in the clear
		return err
	}
	target, err := remembered(c.Target)
	if err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		if err := checkSelf(db.path, target); err != nil {
			return err
		}
		if err := db.AddRemote(ctx, target); err != nil {
			return err
		}
		return a.printRemote(target)
	})
}

func (c *remoteRemoveCmd) Run(ctx context.Context, a *app) error {
	target, err := remembered(c.Target)
	if err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		remotes, err := db.Remotes(ctx)
		if err != nil {
			return err
		}
		for _, known := range []string{c.Target, target} {
			if slices.Contains(remotes, known) {
				if err := db.RemoveRemote(ctx, known); err != nil {
					return err
				}
				return a.printRemote(known)
			}
		}
		return fmt.Errorf("%w: %s is no remembered remote", replica.ErrNotFound, c.Target)
	})
}

func (a *app) printRemote(target string) error {
	if a.asJSON {
		return a.printJSON(remoteJSON{Target: target})
	}
	a.printf("%s\n", a.key(target))
	return nil
}
