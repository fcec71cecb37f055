package replica

import (
	"context"
	"fmt"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// guard compares the database with its sidecar, once in the life of a Replica, at its first write, which could repeat a
// dot that another copy of the file has used, or its first sync, whichever comes first. On every verdict but "same" the database goes on under a new
// author. Stores that are no file have no sidecar and pass.
func (c *commit) guard() error {
	side, ok := c.r.st.(store.Sidecar)
	if !ok || c.r.guarded {
		return nil
	}
	db, err := readInstance(c.tx)
	if err != nil {
		return err
	}
	b, err := side.ReadSidecar()
	if err != nil {
		return err
	}
	var beside *identity.Instance
	if inst, err := identity.DecodeInstance(b); b != nil && err == nil {
		beside = &inst
	}
	file, err := side.FileIdentity()
	if err != nil {
		return err
	}
	verdict := identity.Judge(db, beside, file, side.BootID(), side.Durable(), c.tip.own.seq)
	if verdict.KeepAuthor() {
		db.Opens++
		db.Boot, db.Clean = side.BootID(), false
		return c.keepInstance(side, *db)
	}
	known := !c.author.key.IsZero()
	if err := c.newInstance(side, file); err != nil || !known {
		return err
	}
	return c.note(verdict.Explain())
}

// prove makes sure, before the database meets anybody, that it is not a copy that still goes by its original's name: the
// two would each take the other for itself. A database that never wrote has no name.
func (c *commit) prove() error {
	if c.author.key.IsZero() {
		return nil
	}
	return c.guard()
}

// newInstance mints an author and the instance that guards it. The sidecar is written before the commit, while no
// other process can write: one that dies in between leaves a sidecar that fits no database, and the next write mints
// again.
func (c *commit) newInstance(side store.Sidecar, file string) error {
	if err := c.newAuthor(); err != nil {
		return err
	}
	inst := identity.Instance{File: file, Opens: 1, Boot: side.BootID(), Author: c.author.key.Author()}
	if err := c.r.readFull(inst.Nonce[:]); err != nil {
		return c.fail(err)
	}
	b, err := inst.AppendTo(nil)
	if err != nil {
		return c.fail(err)
	}
	if err := putMeta(c.tx, metaInstance, b); err != nil {
		return c.fail(err)
	}
	if err := side.WriteSidecar(b); err != nil {
		return c.fail(err)
	}
	c.after = append(c.after, func() error { c.r.guarded = true; return nil })
	return nil
}

// keepInstance stores an instance and, once that is durable, its sidecar: a sidecar that is behind its database is no
// sign of anything, one that is ahead is.
func (c *commit) keepInstance(side store.Sidecar, inst identity.Instance) error {
	b, err := inst.AppendTo(nil)
	if err != nil {
		return c.fail(err)
	}
	if err := putMeta(c.tx, metaInstance, b); err != nil {
		return c.fail(err)
	}
	c.wrote = true
	c.after = append(c.after, func() error {
		c.r.guarded = true
		return side.WriteSidecar(b)
	})
	return nil
}

// handOut makes durable that an author's versions up to seq leave the device, before they do. An author that was given
// up meanwhile cannot repeat a dot.
func (c *commit) handOut(author identity.Author, seq uint64) error {
	if c.author.key.Author() != author {
		return nil
	}
	handed, err := readHanded(c.tx)
	if err != nil || seq <= handed {
		return err
	}
	if err := putMeta(c.tx, metaHanded, store.IntKey(seq)); err != nil {
		return c.fail(err)
	}
	c.wrote = true
	side, ok := c.r.st.(store.Sidecar)
	if !ok {
		return nil
	}
	inst, err := readInstance(c.tx)
	if err != nil || inst == nil || inst.Author != c.author.key.Author() {
		return err
	}
	inst.HandedOut = max(inst.HandedOut, seq)
	return c.keepInstance(side, *inst)
}

// readHanded returns the newest dot of the current author that left the device.
func readHanded(tx store.Tx) (uint64, error) {
	b, err := metaRow(tx, metaHanded)
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return store.KeyInt(b), nil
}

func readInstance(tx store.Tx) (*identity.Instance, error) {
	b, err := metaRow(tx, metaInstance)
	if err != nil || b == nil {
		return nil, err
	}
	inst, err := identity.DecodeInstance(b)
	if err != nil {
		return nil, fmt.Errorf("%w: the instance row: %w", store.ErrCorrupt, err)
	}
	return &inst, nil
}

// maxNotes bounds what is remembered for people, the newest last.
const maxNotes = 4 << 10

// note keeps a sentence about what happened to this database, for `status`.
func (c *commit) note(sentence string) error {
	old, err := metaRow(c.tx, metaNotes)
	if err != nil {
		return c.fail(err)
	}
	line := time.UnixMilli(c.r.wall.Now()).UTC().Format(time.RFC3339) + " " + sentence + "\n"
	all := append(append([]byte(nil), old...), line...)
	if len(all) > maxNotes {
		all = all[len(all)-maxNotes:]
	}
	c.wrote = true
	return c.fail(putMeta(c.tx, metaNotes, all))
}

// settle marks the database as closed in good order. Only a store that may lose acknowledged writes in a power cut
// needs it: there an unclean end makes the next writer take a new author.
func (r *Replica) settle(ctx context.Context) error {
	side, ok := r.st.(store.Sidecar)
	if !ok || !r.guarded || side.Durable() {
		return nil
	}
	return r.write(ctx, func(c *commit) error {
		inst, err := readInstance(c.tx)
		if err != nil || inst == nil {
			return err
		}
		inst.Clean = true
		return c.keepInstance(side, *inst)
	})
}
