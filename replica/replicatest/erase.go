package replicatest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/replica"
)

// erasableKey is in the one namespace that is erasable, from the start or later.
const erasableKey = "m/1"

// target is an op: of a version, the one at an index.
type target struct{ n, op int }

// erasures are the ops whose operands somebody takes to be destroyed, and a text that is the same for the same ones.
type erasures struct {
	ops map[target]bool
	id  string
}

// by lets the model say what things are for somebody who knows of some erasures.
func (m *Model) by(e *erasures) *Model {
	m.gone = e
	return m
}

// erases adds what a version erases.
func (m *Model) erases(n int, gone map[target]bool) {
	for i := range m.nodes[n].ops {
		op := &m.nodes[n].ops[i]
		at, known := m.byName[op.erases.version]
		if op.code == "erase" && known && op.erases.op < len(m.nodes[at].ops) && m.nodes[at].ops[op.erases.op].key == op.key {
			gone[target{at, op.erases.op}] = true
		}
	}
}

// isGone reports whether the operand of an op is destroyed.
func (m *Model) isGone(n, op int) bool { return m.gone != nil && m.gone.ops[target{n, op}] }

// goneID tells what is destroyed apart.
func (m *Model) goneID() string {
	if m.gone == nil {
		return "nothing"
	}
	return m.gone.id
}

// op is an op of a version as it counts: without its operand where that is destroyed.
func (m *Model) op(n, i int) *modelOp {
	op := &m.nodes[n].ops[i]
	if m.isGone(n, i) {
		return &modelOp{code: op.code, key: op.key, erased: true}
	}
	return op
}

// lookAtErasures finds what a replica takes to be destroyed: what the versions that it shows erase, and those that it has a proof
// of only. It reports whether that could be read.
func (d *device) lookAtErasures() bool {
	w := d.w
	gone := make(map[target]bool)
	for _, n := range d.seen.Members() {
		w.model.erases(n, gone)
	}
	for e, err := range d.r.Erasures(w.ctx) {
		if err != nil {
			if d.tolerates(err) {
				return false
			}
			w.failf("erasures", "%s: %v", d.name, err)
		}
		n, known := w.model.Lookup(e.Version.ID)
		if e.Applied != (known && d.seen.Has(n)) {
			w.failf("erasures", "%s says that %s is applied: %t", d.name, e.Version, e.Applied)
		}
		if !e.Applied && known {
			w.count("erasure: before its version")
			w.model.erases(n, gone)
		}
	}
	ids := make([]string, 0, len(gone))
	for t := range gone {
		ids = append(ids, fmt.Sprint(t))
	}
	slices.Sort(ids)
	d.gone = erasures{gone, fmt.Sprint(ids)}
	return true
}

// eraseOp destroys what was written to a key, or what one version wrote to it.
func (d *device) eraseOp() attempt {
	w := d.w
	var opts []replica.EraseOption
	what := "erase " + erasableKey
	if ops := w.model.on(d.seen, erasableKey).ops; len(ops) > 0 && w.chance(40) {
		of := pick(w, ops)
		opts = append(opts, replica.OfVersion(replica.Version{Stamp: of.at}))
		what += " of " + of.at.Name()
	}
	return attempt{
		what: what, keys: []string{erasableKey},
		run: func() (replica.Version, error) {
			done, err := d.r.Erase(w.ctx, erasableKey, opts...)
			if len(done.Versions) == 0 {
				return replica.Version{}, err
			}
			w.count("erased")
			if errors.Is(err, replica.ErrNotErasable) {
				w.count("erased: but for what is inline")
				err = nil
			}
			return done.Versions[len(done.Versions)-1], err
		},
		may: func(err error) bool { return isOneOf(err, replica.ErrNotFound, replica.ErrNotErasable) },
	}
}

// checkErased compares the operands that a log shows of a version's ops on a key with what there must be.
func (d *device) checkErased(n int, key string, e *replica.LogEntry) {
	w := d.w
	at := 0
	for i := range w.model.nodes[n].ops {
		op := &w.model.nodes[n].ops[i]
		if op.key != key {
			continue
		}
		shown := &e.Ops[at]
		at++
		if shown.Erased != w.model.isGone(n, i) || shown.Erased && shown.Value != nil || !shown.Erased && op.unseen {
			w.failf("erased", "%s shows %s of %s on %s, erased %t, and must show it as erased: %t", d.name, shown.Value, e.Version, key,
				shown.Erased, w.model.isGone(n, i))
		}
	}
}
