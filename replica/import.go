package replica

import (
	"context"
	"fmt"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
)

// ImportReport says what an Import wrote.
type ImportReport struct {
	// Records counts the pairs that were given, Versions what was written for them: fewer, and none where nothing
	// differs from what is there.
	Records, Versions int
	// Last is the newest of these versions, zero if there is none.
	Last Version
}

// Import writes many keys at once: each pair as Set would, in their order, all in one transaction. It is durable as a
// whole or leaves nothing, here; what exceeds the limits of one version is split into several, which peers may
// receive one after the other. The first pair that cannot be written fails the import with an error that names its
// key.
//
// All pairs are read, and held in memory, before the transaction begins, so that a slow source holds up nobody. Of the
// options Message alone has an effect: every version carries it.
func (r *Replica) Import(ctx context.Context, pairs iter.Seq2[string, any], opts ...WriteOption) (ImportReport, error) {
	records, err := readPairs(ctx, pairs)
	if err != nil {
		return ImportReport{}, err
	}
	message := applyWriteOptions(opts).message
	var rep ImportReport
	err = r.writeUser(ctx, func(c *commit) error {
		rep = ImportReport{Records: len(records)}
		tx := &Tx{c: c, ops: make([]history.Op, 0, len(records)), written: make(map[string]writtenKey, len(records))}
		for i := range records {
			if err := tx.set(records[i].Key, records[i].Value, &writeOptions{}); err != nil {
				return fmt.Errorf("record %d, %q: %w", i+1, records[i].Key, err)
			}
		}
		batches, err := splitOps(tx.ops, len(message))
		if err != nil {
			return err
		}
		for _, ops := range batches {
			v, err := c.write(ops, history.Meta{Message: message})
			if err != nil && rep.Versions > 0 {
				return c.fail(err)
			}
			if err != nil {
				return err
			}
			rep.Last = v
			rep.Versions++
		}
		return nil
	})
	if err != nil {
		return ImportReport{}, err
	}
	return rep, nil
}

// readPairs turns the pairs of an import into values.
func readPairs(ctx context.Context, pairs iter.Seq2[string, any]) ([]canon.Entry, error) {
	var records []canon.Entry
	for key, value := range pairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := crdt.CheckKey(key)
		var v canon.Value
		if err == nil {
			v, err = msgpack.FromGo(value)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d, %q: %w", len(records)+1, key, err)
		}
		records = append(records, canon.Entry{Key: key, Value: v})
	}
	return records, nil
}

const (
	// inlineOverhead is the most that an op's record takes beside its key and its body, detachedOverhead the same where
	// the body is kept apart.
	inlineOverhead, detachedOverhead = 10, 50
	// versionOverhead is more than a version takes beside its ops and its message: the header, with all the parents that
	// it may have, and the rest of the metadata.
	versionOverhead = 4 << 10
)

// splitOps cuts ops into parts of which each fits into one version.
func splitOps(ops []history.Op, message int) ([][]history.Op, error) {
	var parts [][]history.Op
	room := history.MaxVersion - versionOverhead - message
	start, size, dots := 0, 0, uint64(0)
	for i := range ops {
		n := inlineOverhead + len(ops[i].Key) + len(ops[i].Body)
		if ops[i].Detached != nil {
			n += detachedOverhead - inlineOverhead
		}
		if n > room {
			return nil, fmt.Errorf("%w: %q takes %d bytes; a version has room for %d", ErrTooLarge, ops[i].Key, n, room)
		}
		if size+n > room || i-start == history.MaxOps || dots+ops[i].Width > history.MaxWidth {
			parts = append(parts, ops[start:i])
			start, size, dots = i, 0, 0
		}
		size += n
		dots += ops[i].Width
	}
	if start < len(ops) {
		parts = append(parts, ops[start:])
	}
	return parts, nil
}
