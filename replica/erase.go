package replica

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
)

// Erased is what an Erase did.
type Erased struct {
	// Versions are those that erase, oldest first. There are several only where one would be too large.
	Versions []Version
	// Values counts what is destroyed: the values that were set, what was patched, added and removed.
	Values int
	// Inline counts what was not, since it is part of its version: see ErrNotErasable.
	Inline int
	// Owed is true where bytes of what was erased are still in the database file, because somebody else is reading it. They go once
	// that is over, as soon as a replica that has the file open finds the time; see Erasures.
	Owed bool
}

// An EraseOption narrows Erase.
type EraseOption func(*eraseOptions)

type eraseOptions struct{ version *Version }

// OfVersion erases what one version wrote to the key, and nothing else of it. What that wrote over may show again: a patch
// that is erased no longer says what it changed.
func OfVersion(v Version) EraseOption { return func(o *eraseOptions) { o.version = &v } }

// Erase destroys what was ever written to a key, as far as it is known here: on this device when it returns, on others when they
// sync, and in backups that are made then. The namespace has to have been erasable when it was written (Settings.Erasable): what was
// written before makes the error wrap ErrNotErasable, and the rest is erased all the same. That there were versions, by whom and
// when, stays, and so does the key's name. An erase is a version of its own, which nothing takes back.
//
// ErrNotFound where nothing is left to be erased; ErrPoint if the version of OfVersion did not write the key.
func (r *Replica) Erase(ctx context.Context, key string, opts ...EraseOption) (Erased, error) {
	if err := crdt.CheckKey(key); err != nil {
		return Erased{}, err
	}
	if strings.HasPrefix(key, ".") {
		return Erased{}, fmt.Errorf("%w: %q", ErrReserved, namespaceOf(key))
	}
	var o eraseOptions
	for _, opt := range opts {
		opt(&o)
	}
	if err := r.finishBegun(ctx); err != nil {
		return Erased{}, err
	}
	var done Erased
	err := r.writeUser(ctx, func(c *commit) error {
		e, err := c.entry(key)
		if err != nil {
			return err
		}
		ops, inline, err := keyLog{s: c.snap(), key: key, last: history.LV(e.row.Last)}.erasable(&o)
		if err != nil {
			return err
		}
		done = Erased{Values: len(ops), Inline: inline}
		if inline+len(ops) == 0 {
			return fmt.Errorf("%w: nothing is left to be erased of %s", ErrNotFound, key)
		}
		for part := range parts(ops) {
			v, err := c.write(part, history.Meta{})
			if err != nil {
				return c.fail(err)
			}
			done.Versions = append(done.Versions, v)
		}
		return nil
	})
	if err != nil {
		return Erased{}, err
	}
	if done.Owed, err = r.scrub(ctx); err != nil {
		return done, err
	}
	err = done.complete(key)
	return done, err
}

// complete is nil if nothing of the key stayed.
func (e *Erased) complete(key string) error {
	if e.Inline == 0 {
		return nil
	}
	if e.Values == 0 {
		return fmt.Errorf("%w: %s: what is in namespace %q is part of its versions. Make the namespace erasable before something is "+
			"written that may have to be destroyed", ErrNotErasable, key, namespaceOf(key))
	}
	return fmt.Errorf("%w: %d of the %d values of %s, written before namespace %q was erasable, are part of their versions; the others are gone",
		ErrNotErasable, e.Inline, e.Inline+e.Values, key, namespaceOf(key))
}

// erasable lists the erases of what is here of the key's contents, oldest first, and counts those that stand in their versions.
func (k keyLog) erasable(o *eraseOptions) (ops []history.Op, inline int, err error) {
	found := false
	err = k.walk(0, func(v *stored, _ link) (bool, error) {
		if o.version != nil && o.version.ID != v.ID {
			return true, nil
		}
		found = true
		of := v.Stamp().Entry()
		mine := len(ops)
		for i, op := range v.Ops() {
			switch {
			case op.Key != k.key || op.Body == nil:
			case op.Detached != nil:
				erase, err := crdt.Erase(k.key, crdt.Target{Version: of, Op: uint32(i)})
				if err != nil {
					return false, err
				}
				ops = append(ops, history.Op{Op: erase})
			case hasContent(op.Code):
				inline++
			}
		}
		slices.Reverse(ops[mine:])
		return o.version == nil, nil
	})
	if err == nil && !found && o.version != nil {
		err = fmt.Errorf("%w: version %s did not write %s", ErrPoint, o.version, k.key)
	}
	slices.Reverse(ops)
	return ops, inline, err
}

// hasContent reports whether an op's body is something that a user wrote.
func hasContent(code crdt.Code) bool {
	return code != crdt.CodeDelete && code != crdt.CodeResolve && code != crdt.CodeErase
}

// eraseOverhead is what an erase takes in a payload beside its body and its key, at most, and eraseRoom what other things take.
const (
	eraseOverhead = 8
	eraseRoom     = 1 << 10
)

// parts shares erases out among versions that may be as large as one that erases.
func parts(ops []history.Op) func(yield func([]history.Op) bool) {
	return func(yield func([]history.Op) bool) {
		size, from := eraseRoom, 0
		for i := range ops {
			n := len(ops[i].Body) + len(ops[i].Key) + eraseOverhead
			if size += n; size > history.MaxErasing {
				if !yield(ops[from:i]) {
					return
				}
				size, from = eraseRoom+n, i
			}
		}
		if from < len(ops) {
			yield(ops[from:])
		}
	}
}
