package main

import (
	"context"
	"errors"

	"github.com/kdelta/kdelta/replica"
)

// dryRunJSON is what a sync would do.
type dryRunJSON struct {
	Target string `json:"target"`
	// Send are the versions that would go there, SendBytes what their packs take.
	Send      int   `json:"send"`
	SendBytes int64 `json:"send_bytes"`
	// Receive counts the edits that would come; ReceiveBytes is null where a node alone can tell.
	Receive      uint64 `json:"receive"`
	ReceiveBytes *int64 `json:"receive_bytes"`
}

// dryRun tells what a sync with target would do, and changes nothing on either side.
func (a *app) dryRun(ctx context.Context, db *database, target string, plain bool) error {
	ours, theirs, err := replica.Preview{}, (*replica.Preview)(nil), error(nil)
	if isAddress(target) {
		ours, err = db.previewNode(ctx, target, plain)
	} else {
		ours, theirs, err = a.previewFile(ctx, db, target)
	}
	if err != nil {
		return err
	}
	shape := dryRunJSON{Target: target, Send: ours.Send, SendBytes: ours.SendBytes, Receive: ours.Receive}
	if theirs != nil {
		shape.ReceiveBytes = &theirs.SendBytes
	}
	if a.asJSON {
		return a.printJSON(shape)
	}
	a.printf("%s  would send %s (%s), receive %s", a.key(target), count(ours.Send, "version"), byteSize(ours.SendBytes),
		count(int(ours.Receive), "edit"))
	if theirs != nil {
		a.printf(" (%s)", byteSize(theirs.SendBytes))
	} else {
		a.printf(" at least")
	}
	a.printf("\n")
	return nil
}

// previewNode asks the node at target.
func (db *database) previewNode(ctx context.Context, target string, plain bool) (replica.Preview, error) {
	if err := checkTarget(target, plain); err != nil {
		return replica.Preview{}, err // a remembered one
	}
	link, err := db.dial(ctx, target, plain)
	if err != nil {
		return replica.Preview{}, syncError(target, err)
	}
	p, err := db.Preview(ctx, link)
	if err = errors.Join(err, link.Close()); err != nil {
		err = syncError(target, err)
	}
	return p, err
}

// previewFile looks into the database file at target.
func (a *app) previewFile(ctx context.Context, db *database, target string) (ours replica.Preview, theirs *replica.Preview, err error) {
	if err := a.checkOther(db.path, target); err != nil {
		return ours, nil, err
	}
	other, err := a.openDatabase(ctx, target, true)
	if err != nil {
		return ours, nil, err
	}
	ours, there, err := replica.PreviewPair(ctx, db.Replica, other.Replica)
	if err = other.closeAfter(err); err != nil {
		return ours, nil, syncError(target, err)
	}
	return ours, &there, nil
}
