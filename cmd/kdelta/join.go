package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

type joinCmd struct {
	Invite string `arg:"" help:"What invite printed, or - for standard input, where no other user's process list shows it."`
	Adopt  bool   `help:"Bring the values that this database holds along; the old file is kept beside."`
}

// joinJSON is what joining did.
type joinJSON struct {
	Space    string `json:"space"`
	ReadOnly bool   `json:"read_only"`
	// Adopted counts the values brought along, Kept is where the old file went; both only with --adopt.
	Adopted *int   `json:"adopted,omitempty"`
	Kept    string `json:"kept,omitempty"`
}

func (c *joinCmd) Run(ctx context.Context, a *app) error {
	text := c.Invite
	if text == "-" {
		read, err := readBounded(ctx, a.stdin, identity.MaxInviteText+1024)
		if err != nil {
			return err
		}
		text = string(read)
	}
	text = strings.TrimSpace(text)
	inv, err := identity.ParseInvite(text)
	if err != nil {
		return &sayError{kind: errUsage, cause: err}
	}
	if inv.Expired(a.Now()) {
		return fmt.Errorf("%w: the invite has expired; ask for a new one", errInput)
	}
	there, err := present(a.dbPath)
	if err != nil {
		return err
	}
	if c.Adopt && there {
		return a.adopt(ctx, text, inv.Hints())
	}
	return a.join(ctx, text, inv.Hints())
}

func (a *app) join(ctx context.Context, invite string, hints []string) error {
	st, err := a.openStore(a.dbPath, false)
	if err != nil {
		return err
	}
	r, err := replica.Join(ctx, st, invite, a.options())
	if errors.Is(err, replica.ErrUsed) {
		err = fmt.Errorf("%w: kdelta join --adopt does that", err)
	}
	if err != nil {
		return errors.Join(err, st.Close())
	}
	db := newDatabase(r, st, a.dbPath)
	return db.closeAfter(a.printJoined(ctx, db, hints, joinJSON{}))
}

// rememberHints makes remotes of the nodes that an invite names, and of the files that this device has.
func (a *app) rememberHints(ctx context.Context, db *database, hints []string) error {
	for _, hint := range hints {
		if checkTarget(hint, true) != nil || !isAddress(hint) && a.checkOther(db.path, hint) != nil {
			continue
		}
		if err := db.AddRemote(ctx, hint); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printJoined(ctx context.Context, db *database, hints []string, shape joinJSON) error {
	if err := a.rememberHints(ctx, db, hints); err != nil {
		return err
	}
	remotes, err := db.Remotes(ctx)
	if err != nil {
		return err
	}
	st, err := db.Status(ctx)
	if err != nil {
		return err
	}
	shape.Space, shape.ReadOnly = st.Space.String(), st.ReadOnly
	if a.asJSON {
		return a.printJSON(shape)
	}
	rights := ""
	if st.ReadOnly {
		rights = ", to read only"
	}
	a.printf("joined space %s%s\n", a.key(shape.Space[:8]), rights)
	if shape.Kept != "" {
		a.printf("brought %s along; the old file is %s\n", count(*shape.Adopted, "value"), a.key(shape.Kept))
	}
	if len(remotes) > 0 {
		a.notef("next: kdelta sync fetches what is there")
	} else {
		a.notef("next: kdelta sync FILE fetches what is there")
	}
	return nil
}
