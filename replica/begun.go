package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/kdelta/kdelta/store"
)

// A pack that takes several commits is kept from the first of them to the last. In between versions are here whose seal is over a
// later one, and whoever has sent it may never send it again. So where the work breaks off, because the link, the store or
// the process does, the next session finishes it before it hands anything out, and so do a backup, and an erase, which takes
// nothing out of a pack. Where a backup cannot, because the database may only be read or the work goes on elsewhere, the pack goes
// with it, and is kept by whoever restores it.

// begunName names the row of Meta that keeps a pack.
func begunName(pack []byte) string {
	sum := sha256.Sum256(pack)
	return metaBegun + hex.EncodeToString(sum[:])
}

// underway are the packs that this process is applying, by their names.
type underway struct {
	mu    sync.Mutex
	packs map[string]bool
}

// begin reports whether a pack was not underway yet.
func (w *underway) begin(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.packs[name] {
		return false
	}
	if w.packs == nil {
		w.packs = make(map[string]bool)
	}
	w.packs[name] = true
	return true
}

func (w *underway) end(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.packs, name)
}

// following finds the i-th pack behind one that is being applied, nil if there is none that is unpacked before a wait for it is over.
type following func(i int, w wait) *unpacked

func alone(int, wait) *unpacked { return nil }

// wait is over once somebody wants to write, or the commit has waited long enough.
type wait struct {
	asked <-chan struct{}
	late  <-chan time.Time
}

// train is a pack that is applied, and those behind it that the commits have room for which this takes.
type train struct {
	// packs are those that a commit has begun with, of which the first through are applied.
	packs   []*unpacked
	through int
	behind  following
}

// at is the i-th pack that is not through, nil if there is none that is unpacked before the wait for it is over.
func (t *train) at(i int, w wait) *unpacked {
	if i += t.through; i == len(t.packs) {
		u := t.behind(i-1, w)
		if u == nil {
			return nil
		}
		t.packs = append(t.packs, u)
	}
	return t.packs[i]
}

// part lets the packs behind the next one go, which may have spoilt its commit, and reports whether there were any. Each has its own
// turn.
func (t *train) part() bool {
	several := len(t.packs) > t.through+1
	t.packs, t.behind = t.packs[:t.through+1], alone
	return several
}

// applyPacks applies a pack in as many commits as it takes, and those behind it for which these have room. tell hears, once a commit is
// durable, what became of its parts of packs.
func (r *Replica) applyPacks(ctx context.Context, u *unpacked, behind following, tell func(*unpacked, *slice)) error {
	t := train{packs: []*unpacked{u}, behind: behind}
	defer func() {
		for _, u := range t.packs {
			r.underway.end(u.begun)
		}
	}()
	for t.through < len(t.packs) {
		err := r.applySome(ctx, &t, tell)
		if err != nil && t.part() && ctx.Err() == nil {
			err = r.applySome(ctx, &t, tell)
		}
		if err != nil {
			return err
		}
		for t.through < len(t.packs) && t.packs[t.through].through() {
			t.through++
		}
	}
	return nil
}

// applySome applies as much of packs as one commit should hold.
func (r *Replica) applySome(ctx context.Context, t *train, tell func(*unpacked, *slice)) error {
	var parts []*slice
	drop := func() {
		for _, part := range parts {
			r.underway.end(part.begun)
		}
		parts = nil
	}
	err := r.write(ctx, func(c *commit) error {
		drop() // it may run again
		bytes := 0
		late := r.patience()
		for c.roomFor(bytes) { // others may have filled it
			u := t.at(len(parts), wait{c.awaited(), late})
			if u == nil {
				return nil
			}
			part, err := c.applyUnpacked(u, u.sofar.next, false)
			parts = append(parts, &part)
			if err == nil {
				err = c.keepBegun(u, &part)
			}
			if err != nil {
				return c.fail(err)
			}
			if len(parts) == 1 {
				c.applied = append(c.applied, &part.applied)
			}
			if bytes += u.bytes; part.next < len(u.versions) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		drop()
		return err
	}
	for i, part := range parts {
		u := t.packs[t.through+i]
		u.took(part)
		tell(u, part)
	}
	return nil
}

// patience ends when a commit that begins now is to wait for nothing more; never where nobody else has the store open.
func (r *Replica) patience() <-chan time.Time {
	if _, others := r.st.(store.Changing); others {
		return time.After(slicePatience)
	}
	return nil
}

// keepBegun keeps a pack behind the commit of its first part if that is not the last, and behind the last no longer.
func (c *commit) keepBegun(u *unpacked, part *slice) error {
	done := part.next == len(u.versions)
	switch {
	case done && u.begun != "":
		return c.dropBegun(u)
	case !done && u.begun == "":
		part.begun = begunName(u.pack)
		c.r.underway.begin(part.begun)
		return putMeta(c.tx, part.begun, u.pack)
	}
	return nil
}

// dropBegun lets a pack go that was kept. It may hold what was erased meanwhile.
func (c *commit) dropBegun(u *unpacked) error {
	if u.stripped {
		if err := c.oweScrub(); err != nil {
			return err
		}
	}
	return c.tx.Delete(store.Meta, []byte(u.begun))
}

// eachBegun calls fn with each pack that is kept, until it fails. A damaged one is empty.
func (s *snap) eachBegun(fn func(name string, pack []byte) error) error {
	within := store.Range{From: []byte(metaBegun), To: store.PrefixEnd([]byte(metaBegun))}
	for row, err := range s.tx.Scan(store.Meta, within) {
		if err != nil {
			return err
		}
		pack, _ := withoutSum(row.Value)
		if err := fn(string(row.Key), pack); err != nil {
			return err
		}
	}
	return nil
}

// finishBegun applies to the end what was begun and broke off.
func (r *Replica) finishBegun(ctx context.Context) error {
	type kept struct {
		name string
		pack []byte
	}
	var begun []kept
	err := r.view(ctx, func(s *snap) error {
		return s.eachBegun(func(name string, pack []byte) error {
			begun = append(begun, kept{name, bytes.Clone(pack)}) // one that is damaged is refused as a whole, and goes
			return nil
		})
	})
	for _, k := range begun {
		if err == nil && r.underway.begin(k.name) {
			err = r.finish(ctx, k.name, k.pack)
		}
	}
	return err
}

// finish applies a pack that was begun. Its versions that are here already are known again.
func (r *Replica) finish(ctx context.Context, name string, pack []byte) error {
	u, err := r.unpack(ctx, pack)
	if err != nil {
		r.underway.end(name)
		return err
	}
	defer u.release()
	u.begun = name
	return r.applyPacks(ctx, u, alone, func(*unpacked, *slice) {})
}
