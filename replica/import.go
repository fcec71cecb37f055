package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
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
// The pairs are read before the transaction begins, so that a slow source holds up nobody; those beyond the first 8 MiB are read
// while it runs, and held in memory until they fill a version. Then others who write wait for the source too, and pairs must
// not write to this Replica: that is ErrNested. Of the options Message alone has an effect: every version carries it.
func (r *Replica) Import(ctx context.Context, pairs iter.Seq2[string, any], opts ...WriteOption) (ImportReport, error) {
	if r.isClosed() {
		return ImportReport{}, ErrClosed
	}
	records := newRecords(ctx, pairs)
	defer records.stop()
	if err := records.readAhead(importAhead); err != nil {
		return ImportReport{}, err
	}
	message := applyWriteOptions(opts).message
	var rep ImportReport
	err := r.writeAlone(ctx, func(c *commit) error {
		w := importer{c: c, message: message, room: newVersionRoom(len(message))}
		err := r.updating.runFor(records.goroutine, func() error { return w.writeAll(records) })
		if err != nil && w.report.Versions > 0 {
			return c.fail(err)
		}
		rep = w.report
		return err
	})
	if err != nil {
		return ImportReport{}, err
	}
	return rep, nil
}

// importAhead is how many bytes of pairs are read before the transaction begins.
const importAhead = 8 << 20

// records are the pairs of an import as values.
type records struct {
	ctx  context.Context
	pull func() (string, any, bool)
	stop func()
	// goroutine is the number of the one that yields the pairs.
	goroutine uint64
	// ahead were read and not taken yet; read counts all that were read.
	ahead []canon.Entry
	read  int
}

func newRecords(ctx context.Context, pairs iter.Seq2[string, any]) *records {
	r := &records{ctx: ctx}
	r.pull, r.stop = iter.Pull2(func(yield func(string, any) bool) {
		r.goroutine = goroutineNumber()
		pairs(yield)
	})
	return r
}

// readAhead reads pairs up to a number of bytes.
func (r *records) readAhead(size int) error {
	for size > 0 {
		e, err := r.readOne()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.ahead = append(r.ahead, e)
		size -= len(e.Key) + len(e.Value)
	}
	return nil
}

// next is the next pair, io.EOF at the end.
func (r *records) next() (canon.Entry, error) {
	if len(r.ahead) == 0 {
		return r.readOne()
	}
	e := r.ahead[0]
	r.ahead[0] = canon.Entry{}
	r.ahead = r.ahead[1:]
	return e, nil
}

func (r *records) readOne() (canon.Entry, error) {
	key, value, ok := r.pull()
	if !ok {
		return canon.Entry{}, io.EOF
	}
	if err := r.ctx.Err(); err != nil {
		return canon.Entry{}, err
	}
	r.read++
	err := crdt.CheckKey(key)
	var v canon.Value
	if err == nil {
		v, err = msgpack.FromGo(value)
	}
	if err != nil {
		return canon.Entry{}, fmt.Errorf("record %d, %q: %w", r.read, key, err)
	}
	return canon.Entry{Key: key, Value: v}, nil
}

// importer writes the records of an import, a version whenever they fill one.
type importer struct {
	c       *commit
	tx      *Tx
	room    versionRoom
	message string
	report  ImportReport
}

func (w *importer) writeAll(records *records) error {
	w.begin()
	for {
		e, err := records.next()
		if errors.Is(err, io.EOF) {
			return w.write()
		}
		if err != nil {
			return err
		}
		w.report.Records++
		if err := w.set(e); err != nil {
			return err
		}
	}
}

func (w *importer) begin() { w.tx = &Tx{c: w.c, written: make(map[string]writtenKey)} }

// set stages one record, in the next version where this one has no room for it.
func (w *importer) set(e canon.Entry) error {
	before := len(w.tx.ops)
	if err := w.tx.set(e.Key, e.Value, &writeOptions{}); err != nil {
		return fmt.Errorf("record %d, %q: %w", w.report.Records, e.Key, err)
	}
	if len(w.tx.ops) == before { // nothing differs
		return nil
	}
	fits, err := w.room.take(&w.tx.ops[before])
	if err != nil || fits {
		return err
	}
	w.tx.ops = w.tx.ops[:before]
	if err := w.write(); err != nil {
		return err
	}
	w.begin()
	return w.set(e)
}

// write makes what is staged a version.
func (w *importer) write() error {
	if len(w.tx.ops) == 0 {
		return nil
	}
	v, err := w.c.write(w.tx.ops, history.Meta{Message: w.message})
	if err != nil {
		return err
	}
	w.room.empty()
	w.report.Last = v
	w.report.Versions++
	return nil
}

const (
	// inlineOverhead is the most that an op's record takes beside its key and its body, detachedOverhead the same where
	// the body is kept apart.
	inlineOverhead, detachedOverhead = 10, 50
	// versionOverhead is more than a version takes beside its ops and its message: the header, with all the parents that
	// it may have, and the rest of the metadata.
	versionOverhead = 4 << 10
)

// versionRoom is what a version has room for.
type versionRoom struct {
	bytes     int
	used, ops int
	dots      uint64
}

// newVersionRoom is that of a version with a message of so many bytes.
func newVersionRoom(message int) versionRoom {
	return versionRoom{bytes: history.MaxVersion - versionOverhead - message}
}

// take takes room for an op, and reports whether there is any; ErrTooLarge where its bytes have none in an empty version.
func (v *versionRoom) take(op *history.Op) (fits bool, err error) {
	n := inlineOverhead + len(op.Key) + len(op.Body)
	if op.Detached != nil {
		n += detachedOverhead - inlineOverhead
	}
	if n > v.bytes {
		return false, fmt.Errorf("%w: %q takes %d bytes; a version has room for %d", ErrTooLarge, op.Key, n, v.bytes)
	}
	if v.ops > 0 && (v.used+n > v.bytes || v.ops == history.MaxOps || v.dots+op.Width > history.MaxWidth) {
		return false, nil
	}
	v.used, v.ops, v.dots = v.used+n, v.ops+1, v.dots+op.Width
	return true, nil
}

// empty gives all room back.
func (v *versionRoom) empty() { v.used, v.ops, v.dots = 0, 0, 0 }

// splitOps cuts ops into parts of which each fits into one version.
func splitOps(ops []history.Op, message int) ([][]history.Op, error) {
	var parts [][]history.Op
	room, start := newVersionRoom(message), 0
	for i := 0; i < len(ops); {
		fits, err := room.take(&ops[i])
		if err != nil {
			return nil, err
		}
		if fits {
			i++
			continue
		}
		parts, start = append(parts, ops[start:i]), i
		room.empty()
	}
	if start < len(ops) {
		parts = append(parts, ops[start:])
	}
	return parts, nil
}
