package main

import (
	"context"
	"fmt"

	"github.com/kdelta/kdelta/store"
)

type verifyCmd struct{}

// Help is what --help adds.
func (verifyCmd) Help() string {
	return `Re-hashes every version, checks signatures and causes, and computes the state anew from the history. Exit code 1 ` +
		`if anything is damaged.`
}

// verifyJSON is the report of verify.
type verifyJSON struct {
	Versions int      `json:"versions"`
	Keys     int      `json:"keys"`
	Damage   []string `json:"damage"`
}

func (c *verifyCmd) Run(ctx context.Context, a *app) error {
	return a.read(ctx, func(db *database) error {
		bar := a.progress("verify", 0)
		rep, err := db.Verify(ctx, bar.at)
		bar.end()
		if err != nil {
			return err
		}
		if a.asJSON {
			err = a.printJSON(verifyJSON{Versions: rep.Versions, Keys: rep.Keys, Damage: append([]string{}, rep.Damage...)})
		} else {
			verdict := a.good("nothing is damaged")
			if len(rep.Damage) > 0 {
				verdict = a.bad(count(len(rep.Damage), "damaged place"))
			}
			a.printf("%s, %s: %s\n", count(rep.Versions, "version"), count(rep.Keys, "key"), verdict)
			for _, what := range rep.Damage {
				a.printf("  %s\n", printable(what))
			}
		}
		if err == nil && len(rep.Damage) > 0 {
			return fmt.Errorf("%w: keep the file as it is, and restore a backup or join again beside it", store.ErrCorrupt)
		}
		return err
	})
}
