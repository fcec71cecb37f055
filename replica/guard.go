package replica

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// guard compares the database with its sidecar, once in the life of a Replica: at its first write, which could repeat a dot
// that another copy of the file has used, or its first sync, whichever comes first. On every verdict but "same" the database
// goes on under a new author. Stores that are no file have no sidecar and pass.
func (c *commit) guard() error {
	side, ok := c.r.st.(store.Sidecar)
	if !ok || c.r.guarded.Load() {
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
		return c.keepInstance(*db)
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
	row, err := c.putInstance(inst)
	if err != nil {
		return err
	}
	c.r.beside.mu.Lock()
	defer c.r.beside.mu.Unlock()
	c.guardedBehind()
	return c.fail(c.r.beside.tell(side, row))
}

// keepInstance stores an instance and, once that is durable, its sidecar: a sidecar that is behind its database is no
// sign of anything, one that is ahead is.
func (c *commit) keepInstance(inst identity.Instance) error {
	_, err := c.putInstance(inst)
	c.guardedBehind()
	return err
}

// guardedBehind brings the sidecar up behind the commit. From then on the database is known for what it is.
func (c *commit) guardedBehind() {
	ctx := context.WithoutCancel(c.ctx)
	c.after = append(c.after, func() error {
		c.r.guarded.Store(true)
		return c.r.tellBeside(ctx)
	})
}

// putInstance stores an instance, and returns what was stored.
func (c *commit) putInstance(inst identity.Instance) ([]byte, error) {
	row, err := inst.Append(nil)
	if err == nil {
		err = putMeta(c.tx, metaInstance, row)
	}
	c.wrote = true
	return row, c.fail(err)
}

// handOut marks in the database that an author's versions up to seq leave the device. Before they do, that has to be durable
// and told beside it (tellBeside). An author that was given up meanwhile cannot repeat a dot.
func (c *commit) handOut(author identity.Author, seq uint64) error {
	if err := c.prove(); err != nil || c.author.key.Author() != author {
		return err
	}
	return c.markHanded(seq)
}

// handOutPushed marks what this commit itself writes, where a session pushes it at once and would need a commit of its own. That
// session tells it beside the database: who writes does not wait for that.
func (c *commit) handOutPushed() error {
	if c.r.pulse.pushing.Load() == 0 || !c.wroteOwn {
		return nil
	}
	return c.markHanded(c.tip.own.seq)
}

func (c *commit) markHanded(seq uint64) error {
	handed, err := readHanded(c.tx)
	if err != nil || seq <= handed {
		return err
	}
	if err := putMeta(c.tx, metaHanded, store.IntKey(seq)); err != nil {
		return c.fail(err)
	}
	c.wrote = true
	inst, err := readInstance(c.tx)
	if err != nil || inst == nil {
		return err // there is no sidecar
	}
	inst.HandedOut = max(inst.HandedOut, seq)
	_, err = c.putInstance(*inst)
	return err
}

// tellBeside brings the sidecar up to what the database says of its instance. Whoever hands something out calls it once what
// leaves is marked as handed out, whoever marked it: that process may not have come to the sidecar, or never will. It looks
// again at what it wrote, since another process may have written more into both meanwhile.
func (r *Replica) tellBeside(ctx context.Context) error {
	side, ok := r.st.(store.Sidecar)
	if !ok {
		return nil
	}
	b := &r.beside
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		var row []byte
		err := r.st.View(ctx, func(tx store.Tx) (err error) {
			row, err = metaRow(tx, metaInstance)
			row = bytes.Clone(row)
			return err
		})
		if err != nil || row == nil || bytes.Equal(row, b.told) {
			return err
		}
		if err := b.tell(side, row); err != nil {
			return err
		}
	}
}

// beside is what this Replica has told the sidecar last. Its lock is held by whoever tells it.
type beside struct {
	mu   sync.Mutex
	told []byte
}

func (b *beside) tell(side store.Sidecar, row []byte) error {
	err := side.WriteSidecar(row)
	if err == nil {
		b.told = row
	}
	return err
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
	if !ok || !r.guarded.Load() || side.Durable() {
		return nil
	}
	return r.write(ctx, func(c *commit) error {
		inst, err := readInstance(c.tx)
		if err != nil || inst == nil {
			return err
		}
		inst.Clean = true
		return c.keepInstance(*inst)
	})
}

// unsettle takes that mark back before something is written behind it: by this Replica, while it is closed, or by one that has the
// database open where another one was closed. That counts as another opening.
func (c *commit) unsettle() error {
	side, ok := c.r.st.(store.Sidecar)
	if !ok || side.Durable() || !c.shared && !c.r.isClosed() {
		return nil
	}
	inst, err := readInstance(c.tx)
	if err != nil || inst == nil || !inst.Clean {
		return err
	}
	inst.Opens++
	inst.Clean = false
	return c.keepInstance(*inst)
}
