package replica

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/store"
)

// A program that does not know a namespace's strategy shows the last write instead, and stores rows that say so. It notes
// the strategy's name, so that the Open of a program that does know it computes these rows anew.

// Bounds of what is noted: names are chosen by peers.
const (
	maxLacked     = 256
	maxLackedName = 64
)

// lack notes that rows were computed without a strategy.
func (c *commit) lack(name string) error {
	names, err := lackedStrategies(c.tx)
	if err != nil || slices.Contains(names, name) {
		return err
	}
	if len(names) >= maxLacked || len(name) > maxLackedName || strings.Contains(name, "\n") {
		return nil
	}
	return putMeta(c.tx, metaLacked, []byte(strings.Join(append(names, name), "\n")))
}

func lackedStrategies(tx store.Tx) ([]string, error) {
	b, err := metaRow(tx, metaLacked)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return strings.Split(string(b), "\n"), nil
}

// relearn computes the rows anew that were computed without a strategy that is known now. A database that may only be
// read goes on showing the last writes there.
func (r *Replica) relearn(ctx context.Context) error {
	known := func(name string) bool { _, ok := r.registry.Lookup(name); return ok }
	var lacked []string
	err := r.view(ctx, func(s *snap) error {
		var err error
		lacked, err = lackedStrategies(s.tx)
		return err
	})
	if err != nil || !slices.ContainsFunc(lacked, known) {
		return err
	}
	err = r.write(ctx, func(c *commit) error { return c.fail(c.relearn(known)) })
	if errors.Is(err, store.ErrReadOnly) {
		return nil
	}
	return err
}

func (c *commit) relearn(known func(string) bool) error {
	lacked, err := lackedStrategies(c.tx)
	if err != nil {
		return err
	}
	var namespaces []string
	r := store.Range{From: []byte(strategyPrefix), To: store.PrefixEnd([]byte(strategyPrefix))}
	for row, err := range c.tx.Scan(store.Docs, r) {
		if err != nil {
			return err
		}
		doc, err := store.DecodeDoc(row.Value)
		if err != nil {
			return err
		}
		if name := nameIn(doc.Value); known(name) && slices.Contains(lacked, name) {
			namespaces = append(namespaces, strings.TrimPrefix(string(row.Key), strategyPrefix))
		}
	}
	for _, ns := range namespaces {
		if err := c.rewriteMerged(ns, nil); err != nil {
			return err
		}
	}
	c.wrote = true
	return putMeta(c.tx, metaLacked, []byte(strings.Join(slices.DeleteFunc(lacked, known), "\n")))
}
