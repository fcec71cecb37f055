package main

import (
	"context"
	"errors"

	"github.com/kdelta/kdelta/replica"
)

type listCmd struct {
	NS string `arg:"" optional:"" name:"namespace" help:"List the keys of this namespace."`
	At string `placeholder:"POINT" help:"As it was then."`
}

func (c *listCmd) Run(ctx context.Context, a *app) error {
	if c.NS != "" {
		if err := checkNamespace(c.NS); err != nil {
			return err
		}
	}
	return a.readOrNothing(ctx, func(db *database) error {
		reader, err := db.readerAt(ctx, c.At)
		if err != nil {
			return err
		}
		if c.NS == "" {
			return a.listNamespaces(ctx, reader)
		}
		return a.listKeys(ctx, reader, c.NS)
	})
}

// readOrNothing is read for verbs whose answer to "no database" is an empty listing.
func (a *app) readOrNothing(ctx context.Context, fn func(*database) error) error {
	if err := a.read(ctx, fn); !errors.Is(err, errNoDatabase) {
		return err
	}
	return nil
}

func (a *app) listNamespaces(ctx context.Context, reader replica.Reader) error {
	namespaces, err := reader.Namespaces(ctx)
	if err != nil {
		return err
	}
	widest := 0
	for _, ns := range namespaces {
		widest = max(widest, columns(ns.Name))
	}
	for _, ns := range namespaces {
		if a.asJSON {
			if err := a.printJSON(namespaceJSON{Namespace: ns.Name, Keys: ns.Keys}); err != nil {
				return err
			}
			continue
		}
		a.printf("%s  %s\n", padded(a.key(ns.Name), ns.Name, widest), count(ns.Keys, "key"))
	}
	return nil
}

func (a *app) listKeys(ctx context.Context, reader replica.Reader, ns string) error {
	for row, err := range reader.List(ctx, ns+"/") {
		if err == nil {
			err = a.printRow(&row)
		}
		if err == nil {
			err = a.show()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printRow(row *replica.Row) error {
	if !a.asJSON {
		key := row.Key
		if a.stdoutTTY {
			key = printable(key)
		}
		a.printf("%s\n", key)
		return nil
	}
	return a.printJSON(rowJSON{
		Key: row.Key, Value: row.Value, Kind: string(row.Kind), Version: row.Version.String(),
		Time: timeJSON(row.Version.Wall()), Conflicts: row.Conflicts,
	})
}
