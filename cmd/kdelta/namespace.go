package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type namespaceCmd struct {
	NS       string `arg:"" optional:"" name:"namespace" help:"The namespace to show or change."`
	Strategy string `placeholder:"S" complete:"lww,mv,fields,max,min,union" help:"How concurrent writes merge: lww, mv, fields, max, min or union."`
	Erasable bool   `help:"Keep contents apart from history, so that they can be destroyed later."`
}

func (c *namespaceCmd) Run(ctx context.Context, a *app) error {
	if c.NS == "" {
		if c.Strategy != "" || c.Erasable {
			return usagef("name the namespace to change")
		}
		return a.readOrNothing(ctx, func(db *database) error { return a.printAllSettings(ctx, db) })
	}
	if err := checkNamespace(c.NS); err != nil {
		return err
	}
	if c.Strategy == "" && !c.Erasable {
		return a.showSettings(ctx, c.NS)
	}
	if c.Strategy != "" {
		if err := checkStrategy(c.Strategy); err != nil {
			return err
		}
	}
	return a.changeSettings(ctx, c.NS, replica.Settings{Strategy: c.Strategy, Erasable: c.Erasable})
}

// showSettings prints the settings of one namespace; where nothing was ever written to it they are the defaults.
func (a *app) showSettings(ctx context.Context, ns string) error {
	return a.read(ctx, func(db *database) error {
		settings, err := db.Settings(ctx, ns)
		if err != nil {
			return err
		}
		return a.printSettings(settingsJSON{Namespace: ns, Strategy: settings.Strategy, Erasable: settings.Erasable}, 0)
	})
}

// changeSettings writes settings of a namespace; those that are zero stay as they are.
func (a *app) changeSettings(ctx context.Context, ns string, settings replica.Settings) error {
	return a.write(ctx, func(db *database) error {
		v, err := db.SetSettings(ctx, ns, settings)
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, ".strategy/"+ns, v)
	})
}

func (a *app) printAllSettings(ctx context.Context, db *database) error {
	namespaces, err := db.Namespaces(ctx)
	if err != nil {
		return err
	}
	widest := 0
	for _, ns := range namespaces {
		widest = max(widest, columns(ns.Name))
	}
	for _, ns := range namespaces {
		settings, err := db.Settings(ctx, ns.Name)
		if err != nil {
			return err
		}
		shape := settingsJSON{Namespace: ns.Name, Strategy: settings.Strategy, Erasable: settings.Erasable, Keys: &ns.Keys}
		if err := a.printSettings(shape, widest); err != nil {
			return err
		}
	}
	return nil
}

// printSettings prints the settings of one namespace, its name filled up to width columns.
func (a *app) printSettings(s settingsJSON, width int) error {
	if a.asJSON {
		return a.printJSON(s)
	}
	line := padded(a.key(s.Namespace), s.Namespace, width) + "  " + s.Strategy
	if s.Erasable {
		line += "  erasable"
	}
	if s.Keys != nil {
		line += "  " + a.faint(count(*s.Keys, "key"))
	}
	a.printf("%s\n", line)
	return nil
}
