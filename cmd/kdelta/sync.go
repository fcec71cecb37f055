package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
)

type syncCmd struct {
	Targets []string `arg:"" optional:"" name:"target" help:"Database files and nodes (ws://, wss://). Without any: the remembered remotes."`
	Live    bool     `help:"Stay in sync with nodes until ended (Ctrl-C)."`
	DryRun  bool     `help:"Tell what would go each way, and change nothing."`
	Plain   bool     `help:"Allow ws:// to other machines."`
}

// skewWorthSaying is the difference of two wall clocks that people are told of.
const skewWorthSaying = 5 * time.Minute

func (c *syncCmd) Run(ctx context.Context, a *app) error {
	if c.Live && c.DryRun {
		return usagef("--live and --dry-run do not go together")
	}
	for _, target := range c.Targets {
		if err := checkTarget(target, c.Plain); err != nil {
			return err
		}
		if c.Live && !isAddress(target) {
			return usagef("%s is a file, which nobody can stay in touch with: leave --live out", shorten(target, 60))
		}
	}
	open := a.change
	if c.DryRun {
		open = a.read
	}
	return open(ctx, func(db *database) error {
		targets := c.Targets
		if len(targets) == 0 {
			var err error
			if targets, err = db.Remotes(ctx); err != nil {
				return err
			}
		}
		if len(targets) == 0 {
			return usagef("no remotes are remembered: name a file or a node, or use kdelta remote add TARGET first")
		}
		if c.Live {
			return a.syncLive(ctx, db, targets, c.Plain)
		}
		failed := 0
		for _, target := range targets {
			act := a.syncWith
			if c.DryRun {
				act = a.dryRun
			}
			if err := act(ctx, db, target, c.Plain); err != nil {
				if len(targets) == 1 {
					return err
				}
				a.notef("kdelta: %s", printable(errorText(err)))
				failed++
			}
		}
		if failed > 0 {
			return fmt.Errorf("%d of %s failed", failed, count(len(targets), "target"))
		}
		return nil
	})
}

// syncLive stays in sync with nodes until ctx ends.
func (a *app) syncLive(ctx context.Context, db *database, targets []string, plain bool) error {
	n, err := a.newNode(ctx, db)
	if err != nil {
		return err
	}
	n.plain, n.only, n.extra = plain, true, slices.DeleteFunc(targets, func(target string) bool { return !isAddress(target) })
	if len(n.extra) == 0 {
		return usagef("no node is remembered, and nobody can stay in touch with a file: name a node, or leave --live out")
	}
	if err := a.printNode(&n.says); err != nil {
		return err
	}
	return n.run(ctx)
}

// syncWith exchanges versions with the database file or the node at target.
func (a *app) syncWith(ctx context.Context, db *database, target string, plain bool) error {
	rep, theirs, err := replica.SyncReport{}, replica.SyncReport{}, error(nil)
	if isAddress(target) {
		rep, err = a.syncNode(ctx, db, target, plain)
	} else {
		rep, theirs, err = a.syncFile(ctx, db, target)
	}
	if err != nil {
		return err
	}
	if a.asJSON {
		err = a.printJSON(syncShape(target, rep))
	} else {
		a.printSync(target, rep, theirs)
	}
	if err == nil && (rep.Diverged || len(rep.Refused) > 0) {
		return fmt.Errorf("%w: %s: the two are not in the same state; kdelta why and kdelta verify tell more", errTarget, target)
	}
	return err
}

// maxRounds is how many syncs with a node there are at most: a fork that one finds is healed by the next.
const maxRounds = 3

// syncNode exchanges versions with the node at target.
func (a *app) syncNode(ctx context.Context, db *database, target string, plain bool) (rep replica.SyncReport, err error) {
	if err := checkTarget(target, plain); err != nil {
		return rep, err // a remembered one
	}
	bar := a.progress("sync with "+printable(target), 0)
	defer bar.end()
	for range maxRounds {
		link, err := db.dial(ctx, target, plain)
		if err != nil {
			return rep, syncError(target, err)
		}
		round, err := db.Sync(ctx, link, replica.OnProgress(func(p replica.SyncProgress) { bar.at(p.Done, p.Total) }))
		if err = errors.Join(err, link.Close()); err != nil {
			return rep, syncError(target, err)
		}
		if rep = rep.Plus(round); round.Equal || round.Sent+round.Received == 0 {
			break
		}
	}
	return rep, nil
}

// syncFile exchanges versions with the database file at target; theirs is what the sync did there.
func (a *app) syncFile(ctx context.Context, db *database, target string) (rep, theirs replica.SyncReport, err error) {
	if err := a.checkOther(db.path, target); err != nil {
		return rep, theirs, err
	}
	other, err := a.openDatabase(ctx, target, false)
	if err != nil {
		return rep, theirs, err
	}
	bar := a.progress("sync with "+printable(filepath.Base(target)), 0)
	rep, theirs, err = replica.SyncPair(ctx, db.Replica, other.Replica,
		replica.OnProgress(func(p replica.SyncProgress) { bar.at(p.Done, p.Total) }))
	bar.end()
	if err = other.closeAfter(err); err != nil {
		return rep, theirs, syncError(target, err)
	}
	return rep, theirs, nil
}

// joinOther is what to do about two spaces.
const joinOther = "one of the two has to join the other's, with an invite: kdelta join --adopt keeps what both hold"

// isForeign reports whether a sync failed because the two are of different spaces. A node tells a stranger no more than that it does
// not let him in.
func isForeign(err error) bool {
	return errors.Is(err, protocol.ErrForeignSpace) || errors.Is(err, noise.ErrDenied)
}

// syncError says at which target a sync failed. Where the two are of different spaces, both ends say so, each in its own
// words; once is enough, with what to do.
func syncError(target string, err error) error {
	if isForeign(err) {
		return &sayError{kind: err, cause: fmt.Errorf("%s belongs to another space: %s", target, joinOther)}
	}
	if op, isOp := errors.AsType[*net.OpError](err); isOp && op.Op == "dial" {
		return fmt.Errorf("%s: %w; is kdelta start running there?", target, err)
	}
	if errors.Is(err, ws.ErrRefused) {
		return fmt.Errorf("%s: %w; is that where kdelta start listens?", target, err)
	}
	return fmt.Errorf("%s: %w", target, err)
}

// checkOther makes sure that target is a file, and another one than ours, before anything is opened.
func (a *app) checkOther(own, target string) error {
	there, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no file %s; kdelta --db %s join INVITE makes one that this can sync with", errTarget, target, target)
	case err != nil:
		return fmt.Errorf("%w: %w", errTarget, err)
	}
	if there.IsDir() {
		return fmt.Errorf("%w: %s is a folder", errTarget, target)
	}
	if there.Mode().IsRegular() && there.Size() == 0 {
		return fmt.Errorf("%w: %s is empty, not a database; make it one with kdelta --db %s join", errTarget, target, target)
	}
	return checkSelf(own, target)
}

// checkSelf refuses the own file, by whatever name, as a target.
func checkSelf(own, target string) error {
	here, errHere := os.Stat(own)
	there, errThere := os.Stat(target)
	if errHere == nil && errThere == nil && os.SameFile(here, there) {
		return fmt.Errorf("%w: %s is this database itself", errTarget, target)
	}
	return nil
}

// printSync tells what a sync did; theirs is what it did at the other end.
func (a *app) printSync(target string, rep, theirs replica.SyncReport) {
	a.printf("%s  sent %s (%s), received %s (%s)", a.key(target),
		count(rep.Sent, "version"), byteSize(rep.SentBytes), count(rep.Received, "version"), byteSize(rep.ReceivedBytes))
	switch {
	case rep.Diverged:
		a.printf(", %s", a.bad("same versions, different state"))
	case rep.Equal:
		a.printf(", %s", a.good("in sync"))
	}
	a.printf("\n")
	if rep.Copy {
		a.printf("  %s\n", a.bad("it is a copy of this file: it writes under a name of its own from its next write on"))
	}
	if n := rep.Conflicts; n > 0 {
		a.printf("  %s new here: kdelta conflicts\n", a.bad(count(n, "conflict")))
	}
	if n := rep.Pending + theirs.Pending; n > 0 {
		a.printf("  %s for what they were written on: kdelta status\n", a.bad(count(n, "version")+" wait"))
	}
	if n := rep.Forks + theirs.Forks; n > 0 {
		a.printf("  %s: two copies of one file had written under one author; both sides are kept\n", a.bad(count(n, "fork")))
	}
	for _, reason := range append(append([]string{}, rep.Refused...), theirs.Refused...) {
		a.printf("  %s %s\n", a.bad("refused:"), printable(reason))
	}
	if skew := rep.Skew; skew.Abs() >= skewWorthSaying {
		a.printf("  %s\n", a.bad(skewText(skew)))
	}
}

// skewText says how far another wall clock is from ours.
func skewText(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("its clock is %s %s ours: one of the two is wrong", skew.Abs().Round(time.Second), direction)
}
