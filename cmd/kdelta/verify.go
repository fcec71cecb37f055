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
			a.printDamage(rep.Damage)
		}
		if err == nil && len(rep.Damage) > 0 {
			return fmt.Errorf("%w: %s", store.ErrCorrupt, db.path)
		}
		return err
	})
}

// printDamage prints what is damaged, a line each; a file that cannot be read at some place may say so of each table.
func (a *app) printDamage(damage []string) {
	times := make(map[string]int)
	var places []string
	for _, what := range damage {
		if what = plainText(what); times[what] == 0 {
			places = append(places, what)
		}
		times[what]++
	}
	for _, what := range places {
		line := printable(what)
		if n := times[what]; n > 1 {
			line += a.faint(fmt.Sprintf("  %d times", n))
		}
		a.printf("  %s\n", line)
	}
}
