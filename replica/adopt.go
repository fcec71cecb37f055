package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// AdoptReport says what Adopt brought along.
type AdoptReport struct {
	// Records counts keys, Versions what they were written as.
	Records, Versions int
}

// Adopt joins the space of an invite with the values of a database that has lived by itself: on fresh, which must be
// empty, it opens a replica of that space and writes there, as its own first versions, what r shows now: values and
// records as they are, counters as one add of their sum, sets with their elements, the settings of the namespaces, and
// the name of this device. The history and what is not shown stay behind in r, which is not changed; so do tags, whose
// versions are not in the new space.
//
// Nothing of the space is written over: fresh has not seen its data yet, so where both have a value for a key they are
// concurrent, and after the first sync one of them is shown and the other one is in Conflicts. Counters add up and
// sets unite. The writes are one transaction of the store: on error fresh has joined the space at most, and holds no
// versions.
func (r *Replica) Adopt(ctx context.Context, invite string, fresh store.Store) (*Replica, AdoptReport, error) {
	joined, err := Join(ctx, fresh, invite, Options{Wall: r.wall, Rand: r.rand, Logger: r.log})
	if err != nil {
		return nil, AdoptReport{}, err
	}
	joined.registry = r.registry
	var rep AdoptReport
	err = r.view(ctx, func(s *snap) error {
		return joined.write(ctx, func(c *commit) error {
			switch {
			case c.tip.versions > 0:
				return fmt.Errorf("%w: the store to adopt into is not empty", ErrUsed)
			case c.member.Space() == s.space:
				return fmt.Errorf("%w, of the invite's space: join without adopting", ErrUsed)
			}
			a := &adoption{c: c, from: s, message: "adopted from space " + short(s.space)}
			err := a.run()
			rep = AdoptReport{Records: a.records, Versions: a.versions}
			return c.fail(err)
		})
	})
	if err != nil {
		return nil, AdoptReport{}, errors.Join(err, joined.Close())
	}
	return joined, rep, nil
}

// adoption writes into the commit of one database what another one shows.
type adoption struct {
	c                 *commit
	from              *snap
	message           string
	records, versions int
}

// run writes the settings first: they say how values are written.
func (a *adoption) run() error {
	tx := &Tx{c: a.c, system: true}
	if err := errors.Join(a.settings(tx), a.name(tx)); err != nil {
		return err
	}
	if err := a.write(tx); err != nil {
		return err
	}
	if err := a.c.writeDocs(); err != nil {
		return err
	}
	tx = &Tx{c: a.c}
	for row, err := range a.from.docs("", "") {
		if err != nil {
			return err
		}
		doc, err := store.DecodeDoc(row.Value)
		if err != nil {
			return err
		}
		if !doc.Visible() {
			continue
		}
		key := string(row.Key)
		if err := a.from.showSequence(key, &doc); err != nil {
			return err
		}
		if kind := crdt.Kind(doc.Kind); kind.IsSequence() {
			if err := a.sequence(tx, docID{key, kind}, doc.Value); err != nil {
				return fmt.Errorf("adopting %q: %w", key, err)
			}
			continue
		}
		op, err := adoptOp(key, &doc)
		if err == nil {
			err = tx.stageContent(key, op)
		}
		if err != nil {
			return fmt.Errorf("adopting %q: %w", key, err)
		}
		a.records++
	}
	return a.write(tx)
}

// adoptOp is the op that makes a key show what a row of another database shows.
func adoptOp(key string, doc *store.Doc) (crdt.Op, error) {
	value, err := canon.FromJSON(doc.Value)
	if err != nil {
		return crdt.Op{}, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	switch crdt.Kind(doc.Kind) {
	case crdt.KindCounter:
		n, ok := value.AsInt()
		if !ok {
			return crdt.Op{}, ErrOutOfRange
		}
		return crdt.Add(key, n)
	case crdt.KindSet:
		var elements []crdt.Value
		for e := range value.Elements() {
			elements = append(elements, e)
		}
		return crdt.SetAdd(key, elements)
	}
	return crdt.Put(key, value)
}

// sequence writes the text or the list at a key of the other database, which is empty where nothing is to be said.
func (a *adoption) sequence(tx *Tx, id docID, value []byte) error {
	v, err := canon.FromJSON(value)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	edits := between(nil, v)
	a.records += len(edits)
	return tx.edits(id, edits)
}

// settings copies the settings records of the namespaces.
func (a *adoption) settings(tx *Tx) error {
	for _, prefix := range []string{strategyPrefix, erasablePrefix} {
		for row, err := range a.from.docs(prefix, "") {
			if err != nil {
				return err
			}
			key := string(row.Key)
			value, err := a.from.record(key)
			if err != nil || value == nil {
				return err
			}
			op, err := crdt.Put(key, value)
			if err == nil {
				err = tx.stage(key, op)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// name gives the new author the name of the old one.
func (a *adoption) name(tx *Tx) error {
	if err := a.c.ensureAuthor(); err != nil {
		return err
	}
	m, err := a.from.r.snapshot(a.from.tx)
	if err != nil || m.author.key.IsZero() {
		return err
	}
	value, err := a.from.record(authorPrefix + m.author.key.Author().Full())
	if err != nil || value == nil {
		return err
	}
	return tx.Set(authorPrefix+a.c.author.key.Author().Full(), value)
}

// write writes what a transaction has gathered as versions.
func (a *adoption) write(tx *Tx) error {
	parts, err := splitOps(tx.ops, len(a.message))
	if err != nil {
		return err
	}
	for _, ops := range parts {
		if _, err := a.c.write(ops, history.Meta{Message: a.message}); err != nil {
			return err
		}
		a.versions++
	}
	return nil
}
