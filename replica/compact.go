package replica

import (
	"context"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
)

// Compact packs the whole history now, rather than bit by bit when nothing else is to be done, and gives back the space that
// this frees in the database file, if the store can. It changes nothing that can be read. progress, if not nil, hears how many
// of all dots are packed; it may read and write. Several may run at once, in several processes too.
func (r *Replica) Compact(ctx context.Context, progress func(done, total uint64)) error {
	for more := true; more; {
		var packed, next history.LV
		err := r.write(ctx, func(c *commit) (err error) {
			more, err = c.packRows(c.tip.next, true)
			packed, next = c.tip.packed, c.tip.next
			return err
		})
		if err != nil {
			return err
		}
		if progress != nil {
			progress(uint64(packed)-1, uint64(next)-1)
		}
	}
	if s, ok := r.st.(store.Shrinking); ok {
		if err := s.Shrink(ctx); err != nil {
			return err
		}
	}
	_, err := r.scrub(ctx) // where it is owed, and nobody else has the time
	return err
}

// packedAtOnce is how many rows one commit packs: some ten milliseconds' work, which writers wait for.
const packedAtOnce = 16

// packRows packs some of the rows before a dot, and reports whether there are more.
func (c *commit) packRows(end history.LV, whole bool) (more bool, err error) {
	p := packer{c: c}
	return p.pack(end, packedAtOnce, whole)
}
