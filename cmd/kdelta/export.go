package main

import (
	"context"
	"encoding/json"
)

type exportCmd struct {
	NS string `arg:"" optional:"" name:"namespace" help:"Only the keys of this namespace."`
}

// Help is what --help adds.
func (exportCmd) Help() string {
	return `One line a key, {"key":…,"value":…}, in the order of the keys: equal databases give equal bytes. ` +
		`"import NS FILE" takes the lines back. History, kinds and conflicts are not in it: for those there is backup.`
}

// exportedJSON is a line of an export.
type exportedJSON struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

func (c *exportCmd) Run(ctx context.Context, a *app) error {
	prefix, err := keysOf(c.NS)
	if err != nil {
		return err
	}
	return a.readOrNothing(ctx, func(db *database) error {
		bar := &progress{}
		if a.stderrTTY && !a.stdoutTTY { // counting is for the bar, and a bar between the lines would be in the way
			total, err := db.countKeys(ctx, c.NS)
			if err != nil {
				return err
			}
			bar = a.progress("export", total)
		}
		defer bar.end()
		for row, err := range db.List(ctx, prefix) {
			if err != nil {
				return err
			}
			if err := a.printJSON(exportedJSON{Key: row.Key, Value: row.Value}); err != nil {
				return err
			}
			bar.step(1)
		}
		return nil
	})
}

// countKeys counts the visible keys of a namespace, or of all.
func (db *database) countKeys(ctx context.Context, ns string) (int, error) {
	namespaces, err := db.Namespaces(ctx)
	total := 0
	for _, n := range namespaces {
		if ns == "" || n.Name == ns {
			total += n.Keys
		}
	}
	return total, err
}
