package main

import (
	"context"
	"slices"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

type inviteCmd struct {
	ReadOnly bool   `help:"The other device may read, not write."`
	Expires  string `placeholder:"1h" help:"How long the invite is good for: 90s, 1h, 7d, 2w. Default: for ever."`
}

// Help is what --help adds.
func (inviteCmd) Help() string {
	return `Whoever has the string has the keys of the space: pass it on like a password. Its end binds honest software ` +
		`only. Remembered remotes travel in it.`
}

// inviteJSON is an invite with what it says.
type inviteJSON struct {
	Invite   string  `json:"invite"`
	Space    string  `json:"space"`
	ReadOnly bool    `json:"read_only"`
	Expires  *string `json:"expires"`
}

func (c *inviteCmd) Run(ctx context.Context, a *app) error {
	var expires time.Duration
	if c.Expires != "" {
		var err error
		if expires, err = parseSpan(c.Expires); err != nil {
			return err
		}
	}
	return a.write(ctx, func(db *database) error {
		hints, err := db.hints(ctx)
		if err != nil {
			return err
		}
		text, err := db.Invite(ctx, replica.InviteOptions{ReadOnly: c.ReadOnly, Expires: expires, Hints: hints})
		if err != nil {
			return err
		}
		if !a.asJSON {
			a.printf("%s\n", text)
			return nil
		}
		inv, err := identity.ParseInvite(text)
		if err != nil {
			return err
		}
		shape := inviteJSON{Invite: text, Space: inv.Space().String(), ReadOnly: inv.ReadOnly()}
		if ms := inv.Expires(); ms != 0 {
			end := timeJSON(time.UnixMilli(ms))
			shape.Expires = &end
		}
		return a.printJSON(shape)
	})
}

// hints are the remembered remotes that fit into an invite.
func (db *database) hints(ctx context.Context) ([]string, error) {
	remotes, err := db.Remotes(ctx)
	if err != nil {
		return nil, err
	}
	hints := slices.DeleteFunc(remotes, func(target string) bool { return len(target) > identity.MaxHint })
	return hints[:min(len(hints), identity.MaxHints)], nil
}
