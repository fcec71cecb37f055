package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/store"
)

// What was erased is gone from the rows at once, and from the files of the store when it was scrubbed. A row of Meta says that
// this is owed: since which of the erasures that the tip counts, and up to which.

// oweScrub makes durable that the store's files still hold what was erased, where they do.
func (c *commit) oweScrub() error {
	if _, ok := c.r.st.(store.Scrubbing); !ok {
		return nil
	}
	since, _, err := owedScrub(c.tx)
	if err != nil {
		return err
	}
	if since == 0 {
		since = c.tip.erased
	}
	c.after = append(c.after, func() error { c.r.scrubSoon(); return nil })
	b := binary.BigEndian.AppendUint64(nil, since)
	return putMeta(c.tx, metaScrub, binary.BigEndian.AppendUint64(b, c.tip.erased))
}

// owedScrub says since which erasure and up to which a scrub is owed; zero where none is.
func owedScrub(tx store.Tx) (since, last uint64, err error) {
	b, err := metaRow(tx, metaScrub)
	if err != nil || b == nil {
		return 0, 0, err
	}
	if len(b) != 16 {
		return 0, 0, fmt.Errorf("%w: the %s row", store.ErrCorrupt, metaScrub)
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), nil
}

// scrub takes what was erased out of the store's files, if that is owed. It stays owed where somebody else reads them.
func (r *Replica) scrub(ctx context.Context) (owed bool, err error) {
	st, ok := r.st.(store.Scrubbing)
	if !ok {
		return false, nil
	}
	var last uint64
	err = r.look(ctx, func(s *snap) (err error) {
		_, last, err = owedScrub(s.tx)
		return err
	})
	if err != nil || last == 0 {
		return false, err
	}
	err = st.Scrub(ctx)
	if errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	err = r.write(ctx, func(c *commit) error {
		_, now, err := owedScrub(c.tx)
		if owed = now != last; err != nil || owed { // something was erased meanwhile
			return err
		}
		return c.fail(c.tx.Delete(store.Meta, []byte(metaScrub)))
	})
	return owed, err
}

// scrubDebt sees to a scrub that another opening of the database left undone.
func (r *Replica) scrubDebt(ctx context.Context) error {
	if _, ok := r.st.(store.Scrubbing); !ok {
		return nil
	}
	return r.view(ctx, func(s *snap) error {
		since, _, err := owedScrub(s.tx)
		if since > 0 {
			r.scrubSoon()
		}
		return err
	})
}
