package replica

import (
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
)

// packOps are the ops of the versions of a pack, one after the other in one piece of memory.
type packOps struct {
	ops []crdt.Op
	// ends is, of each version, where its ops end.
	ends []int32
	// one and several are memory for what byKey returns: several have ops of their own, one has those of the pack.
	one     [1]keyOps
	several []keyOps
}

// reserve makes room for n versions of one op, which most are.
func (p *packOps) reserve(n int) {
	p.ops, p.ends = slices.Grow(p.ops, n), slices.Grow(p.ends, n)
}

// len is how many versions have had their ops added.
func (p *packOps) len() int { return len(p.ends) }

// add adds the ops of the next version.
func (p *packOps) add(ops []history.Op) {
	for i := range ops {
		p.ops = append(p.ops, ops[i].Op)
	}
	p.ends = append(p.ends, int32(len(p.ops)))
}

// of are the ops of the version i.
func (p *packOps) of(i int) []crdt.Op {
	from := int32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.ops[from:p.ends[i]:p.ends[i]]
}

// reread takes the ops of the version i from it anew.
func (p *packOps) reread(i int, v *history.Version) {
	ops := p.of(i)
	for k, op := range v.Ops() {
		ops[k] = op.Op
	}
}

// byKey are the ops of the version i by key, until the next call.
func (p *packOps) byKey(i int) []keyOps {
	ops := p.of(i)
	if len(ops) == 1 {
		p.one[0] = keyOps{ops[0].Key, ops}
		return p.one[:]
	}
	p.several = groupByKey(p.several[:0], func(yield func(int, history.Op) bool) {
		for k := range ops {
			if !yield(k, history.Op{Op: ops[k]}) {
				return
			}
		}
	}, func() int { return len(ops) })
	return p.several
}

// emptied is memory for the ops of another pack. It keeps nothing of these, unless there are many keys, in whose place it has none.
func (p *packOps) emptied() packOps {
	return packOps{ops: emptied(p.ops), ends: emptied(p.ends)}
}
