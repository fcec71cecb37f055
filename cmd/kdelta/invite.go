package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

type inviteCmd struct {
	ReadOnly bool     `help:"The other device may read, not write."`
	Address  []string `placeholder:"URL" help:"Where a node of this space is reached (ws://HOST:PORT, wss://HOST:PORT), beside the remembered remotes."`
	Expires  string   `placeholder:"1h" help:"How long the invite is good for: 90s, 1h, 7d, 2w. Default: for ever."`
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
	for _, address := range c.Address {
		if err := checkTarget(address, true); err != nil {
			return err
		}
		if !isAddress(address) {
			return usagef("--address %s is no address of a node", shorten(address, 60))
		}
	}
	return a.write(ctx, func(db *database) error {
		hints, err := db.hints(ctx, c.Address)
		if err != nil {
			return err
		}
		text, err := db.Invite(ctx, replica.InviteOptions{ReadOnly: c.ReadOnly, Expires: expires, Hints: hints})
		if errors.Is(err, identity.ErrReadOnly) {
			return &sayError{kind: err, cause: errors.New("this database joined to read only, and so it can invite others: kdelta invite --read-only")}
		}
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

// hints are addresses and the remembered remotes, as far as they fit into an invite.
func (db *database) hints(ctx context.Context, addresses []string) ([]string, error) {
	remotes, err := db.Remotes(ctx)
	if err != nil {
		return nil, err
	}
	hints := slices.DeleteFunc(append(slices.Clone(addresses), remotes...), func(target string) bool { return len(target) > identity.MaxHint })
	return hints[:min(len(hints), identity.MaxHints)], nil
}
