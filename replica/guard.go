package replica

import (
	"context"
	"fmt"
	"sync"
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
	if err := c.r.beside.write(side, b); err != nil {
		return c.fail(err)
	}
	c.after = append(c.after, func() error { c.r.guarded = true; return nil })
	return nil
}

// keepInstance stores an instance and, once that is durable, its sidecar: a sidecar that is behind its database is no
// sign of anything, one that is ahead is.
func (c *commit) keepInstance(side store.Sidecar, inst identity.Instance) error {
	return c.putInstance(inst, func(b []byte) error {
		c.r.guarded = true
		return c.r.beside.write(side, b)
	})
}

// putInstance stores an instance, and tells then what was stored once it is durable.
func (c *commit) putInstance(inst identity.Instance, then func([]byte) error) error {
	b, err := inst.AppendTo(nil)
	if err != nil {
		return c.fail(err)
	}
	if err := putMeta(c.tx, metaInstance, b); err != nil {
		return c.fail(err)
	}
	c.wrote = true
	c.after = append(c.after, func() error { return then(b) })
	return nil
}

// handOut makes durable that an author's versions up to seq leave the device, before they do. An author that was given
// up meanwhile cannot repeat a dot.
func (c *commit) handOut(author identity.Author, seq uint64) error {
	side, inst, err := c.handing(author, seq)
	if err != nil || inst == nil {
		return err
	}
	return c.keepInstance(side, *inst)
}

// handOutPushed is handOut for what this commit itself writes, where a session pushes it at once and would need a commit of its own.
// The sidecar is left to that session: it is not waited for by who writes.
func (c *commit) handOutPushed() error {
	if c.r.pulse.pushing.Load() == 0 || !c.wroteOwn {
		return nil
	}
	_, inst, err := c.handing(c.author.key.Author(), c.tip.own.seq)
	if err != nil || inst == nil {
		return err
	}
	return c.putInstance(*inst, c.r.beside.owe)
}

// handing notes how far an author's versions leave, and returns the instance that says so: nil where it is known already or
// there is no sidecar.
func (c *commit) handing(author identity.Author, seq uint64) (store.Sidecar, *identity.Instance, error) {
	if c.author.key.Author() != author {
		return nil, nil, nil
	}
	handed, err := readHanded(c.tx)
	if err != nil || seq <= handed {
		return nil, nil, err
	}
	if err := putMeta(c.tx, metaHanded, store.IntKey(seq)); err != nil {
		return nil, nil, c.fail(err)
	}
	c.wrote = true
	side, ok := c.r.st.(store.Sidecar)
	if !ok {
		return nil, nil, nil
	}
	inst, err := readInstance(c.tx)
	if err != nil || inst == nil || inst.Author != author {
		return nil, nil, err
	}
	inst.HandedOut = max(inst.HandedOut, seq)
	return side, inst, nil
}

// beside is the sidecar as far as it is behind the database.
type beside struct {
	mu   sync.Mutex
	owed []byte
}

// owe notes what the sidecar has to say before anything leaves.
func (s *beside) owe(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed = b
	return nil
}

// write writes the sidecar.
func (s *beside) write(side store.Sidecar, b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed = nil
	return side.WriteSidecar(b)
}

// settle writes what is owed.
func (s *beside) settle(r *Replica) {
	s.mu.Lock()
	defer s.mu.Unlock()
	side, ok := r.st.(store.Sidecar)
	if !ok || s.owed == nil {
		return
	}
	if err := side.WriteSidecar(s.owed); err != nil {
		r.log.Warn("the sidecar could not be written", "error", err)
	}
	s.owed = nil
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
