package replicatest

import (
	"bytes"
	"math/big"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// Shown is what a key shows by the definitions.
type Shown struct {
	Kind  crdt.Kind
	Value canon.Value // nil: nothing
	// At is the greatest version that the value is from; it is not said where there is none.
	At clock.Stamp
	// Open are the open conflicts.
	Open []Entry
}

// placed is one op on a key, with the version it belongs to.
type placed struct {
	n, pos int
	op     *modelOp
	at     clock.Stamp
	seq    uint64 // its first dot
}

// keyOps are the ops on one key in a set of versions.
type keyOps struct {
	m   *Model
	ops []placed
}

func (m *Model) on(s Set, key string) *keyOps {
	k := &keyOps{m: m}
	for _, n := range s.Members() {
		ops, at := m.nodes[n].ops, m.nodes[n].stamp
		seq := at.Seq + 1
		for i := range ops {
			seq -= ops[i].width()
		}
		for i := range ops {
			if ops[i].key == key {
				k.ops = append(k.ops, placed{n, i, m.op(n, i), at, seq})
			}
			seq += ops[i].width()
		}
	}
	return k
}

// saw reports whether b was written by somebody who knew a.
func (k *keyOps) saw(b, a *placed) bool {
	if a.n == b.n {
		return a.pos < b.pos
	}
	return k.m.nodes[b.n].past.Has(a.n)
}

// any reports whether an op of one of the codes saw a and passes the test.
func (k *keyOps) any(a *placed, test func(*placed) bool, codes ...string) bool {
	for i := range k.ops {
		b := &k.ops[i]
		if slices.Contains(codes, b.op.code) && k.saw(b, a) && (test == nil || test(b)) {
			return true
		}
	}
	return false
}

// takers are, by the code of an op, those of the ops that leave nothing of it but what others of its kind say: deletes,
// and whatever is of another kind.
var takers = map[string][]string{
	"put":          append([]string{"delete", "add", "set-add", "set-remove"}, editCodes...),
	"patch":        append([]string{"delete", "add", "set-add", "set-remove"}, editCodes...),
	"add":          append([]string{"delete", "put", "patch", "set-add", "set-remove"}, editCodes...),
	"set-add":      append([]string{"delete", "put", "patch", "add"}, editCodes...),
	"text-splice":  append([]string{"delete", "put", "patch", "add", "set-add", "set-remove"}, editCodes[1:]...),
	"list-splice":  ofLists,
	"list-move":    ofLists,
	"list-replace": ofLists,
}

// ofLists are the takers of all ops on lists.
var ofLists = []string{"delete", "put", "patch", "add", "set-add", "set-remove", "text-splice"}

// buried: a patch knew what took a out, or a's own version did, so nothing revives it.
func (k *keyOps) buried(a *placed) bool {
	return k.any(a, func(d *placed) bool { return d.n == a.n || k.any(d, nil, "patch") }, takers[a.op.code]...)
}

// stands reports whether nobody wrote anything who knew a delete.
func (k *keyOps) stands(a *placed) bool {
	return !k.any(a, nil, append([]string{"put", "delete", "patch", "add", "set-add", "set-remove"}, editCodes...)...)
}

func (k *keyOps) alive(a *placed) bool { return !k.any(a, nil, takers[a.op.code]...) }

// Strategy is the name of a namespace's merge strategy, as a set of versions says.
func (m *Model) Strategy(s Set, ns string) string {
	if strings.HasPrefix(ns, ".") {
		return "lww/1"
	}
	v := m.View(s, ".strategy/"+ns, nil)
	if name, ok := v.Value.AsString(); ok && v.Value != nil && name != "" {
		return name
	}
	return "lww/1"
}

// View is what a key shows to a replica that has the versions of s and knows the application's strategies that knows
// names.
func (m *Model) View(s Set, key string, knows func(string) bool) Shown {
	ns, _, _ := strings.Cut(key, "/")
	return m.viewUnder(s, key, m.Strategy(s, ns), knows)
}

func (m *Model) viewUnder(s Set, key, strategy string, knows func(string) bool) Shown {
	return m.on(s, key).view(s, strategy, knows)
}

// view is what the ops come to: the kind with the greatest op that is alive, and beside it, in conflict, the others.
func (k *keyOps) view(s Set, strategy string, knows func(string) bool) Shown {
	doc, newest := k.document(s, strategy, knows)
	type part struct {
		Said
		newest clock.Stamp
	}
	var parts []part
	if doc.Value != nil {
		parts = append(parts, part{Said{doc.At, doc.Kind, doc.Value}, newest})
	}
	if v, at, ok := k.counter(); ok {
		parts = append(parts, part{Said{at, crdt.KindCounter, v}, at})
	}
	if v, at, ok := k.set(); ok {
		parts = append(parts, part{Said{at, crdt.KindSet, v}, at})
	}
	for _, kind := range []crdt.Kind{crdt.KindText, crdt.KindList} {
		if said, tombs, ok := k.edited(kind); ok {
			parts = append(parts, part{said, said.At})
			doc.Open = append(slices.Clone(doc.Open), beaten(&Shown{Kind: said.Kind, Value: said.Value}, said.At, tombs)...)
		}
	}
	if len(parts) == 0 {
		return doc
	}
	slices.SortFunc(parts, func(a, b part) int { return a.newest.Compare(b.newest) })
	chosen := parts[len(parts)-1]
	shown := Shown{Kind: chosen.Kind, Value: chosen.Value, At: chosen.At, Open: doc.Open}
	if chosen.Kind.IsSequence() {
		shown.Value = k.sequenceValue(chosen.Kind)
	}
	if len(parts) > 1 {
		c := Entry{Chosen: chosen.Said}
		for _, p := range parts {
			c.Sides = append(c.Sides, p.newest)
			if p.Kind != chosen.Kind {
				c.Others = append(c.Others, p.Said)
			}
		}
		shown.Open = append(slices.Clone(doc.Open), c)
	}
	return shown
}

// counter is the sum of the adds that nobody deleted.
func (k *keyOps) counter() (canon.Value, clock.Stamp, bool) {
	sum, at, any := new(big.Int), clock.Stamp{}, false
	for i := range k.ops {
		a := &k.ops[i]
		if a.op.code == "add" && !a.op.erased && k.alive(a) {
			n, _ := a.op.value.AsInt()
			sum.Add(sum, big.NewInt(n))
			any = true
			if at.Less(a.at) {
				at = a.at
			}
		}
	}
	v, err := canon.Value(nil), error(nil)
	if sum.IsInt64() && sum.Int64() <= canon.MaxInteger && sum.Int64() >= -canon.MaxInteger {
		v, err = canon.Int(sum.Int64())
	} else {
		v, err = canon.String(sum.String())
	}
	if err != nil {
		panic(err) // both always have an encoding
	}
	return v, at, any
}

// set is the elements that were added and that nobody who knew it removed.
func (k *keyOps) set() (canon.Value, clock.Stamp, bool) {
	in := make(map[string]bool)
	var at clock.Stamp
	for i := range k.ops {
		a := &k.ops[i]
		if a.op.code != "set-add" || !k.alive(a) {
			continue
		}
		for _, e := range a.op.elements {
			names := func(b *placed) bool {
				return slices.ContainsFunc(b.op.elements, func(x canon.Value) bool { return bytes.Equal(x, e) })
			}
			if !k.any(a, names, "set-add", "set-remove") {
				in[string(e)] = true
				if at.Less(a.at) {
					at = a.at
				}
			}
		}
	}
	var all []canon.Value
	for e := range in {
		all = append(all, canon.Value(e))
	}
	slices.SortFunc(all, canon.Compare)
	v, err := canon.NewArray(all)
	return v, at, len(all) > 0 && err == nil
}

// document is what the puts, patches and deletes come to, and the newest of them that is alive.
func (k *keyOps) document(s Set, strategy string, knows func(string) bool) (Shown, clock.Stamp) {
	var roots, tombs, patches []*placed
	var newest clock.Stamp
	liveRoots, liveField := 0, false
	note := func(a *placed) bool {
		if !k.alive(a) {
			return false
		}
		if newest.Less(a.at) {
			newest = a.at
		}
		return true
	}
	for i := range k.ops {
		a := &k.ops[i]
		switch a.op.code {
		case "put":
			if !a.op.erased && !k.any(a, nil, "put") && !k.buried(a) {
				roots = append(roots, a)
				if note(a) {
					liveRoots++
				}
			}
		case "patch":
			if !k.any(a, nil, "put") && !k.buried(a) {
				patches = append(patches, a)
				liveField = k.hasField(a) && note(a) || liveField
			}
		case "delete":
			if k.stands(a) {
				tombs = append(tombs, a)
			}
		}
	}
	switch {
	case liveField || strategy == "fields/1" && liveRoots > 1:
		return k.record(roots, patches, tombs, newest, strategy == "fields/1", liveField), newest
	case liveRoots == 0:
		return Shown{}, newest
	}
	return k.siblings(s, roots, tombs, strategy, knows), newest
}

// hasField reports whether any of a patch's edits still counts.
func (k *keyOps) hasField(a *placed) bool {
	return slices.ContainsFunc(a.op.edits, func(e modelEdit) bool { return !k.replaced(a, e.path) })
}

// replaced reports whether a patch that knew a wrote the path or one above it.
func (k *keyOps) replaced(a *placed, path []string) bool {
	return k.any(a, func(b *placed) bool {
		return slices.ContainsFunc(b.op.edits, func(e modelEdit) bool { return within(path, e.path) })
	}, "patch")
}

// within reports whether path is above or below it.
func within(path, above []string) bool {
	return len(path) >= len(above) && slices.Equal(path[:len(above)], above)
}

// sibling is a whole value, or a delete, beside others.
type sibling struct {
	at    clock.Stamp
	value canon.Value
}

func (k *keyOps) siblings(s Set, roots, tombs []*placed, strategy string, knows func(string) bool) Shown {
	var all []sibling
	for _, r := range roots {
		if k.alive(r) {
			all = append(all, sibling{r.at, r.op.value})
		}
	}
	slices.SortFunc(all, func(a, b sibling) int { return a.at.Compare(b.at) })
	newest := all[len(all)-1]
	if strategy == "fields/1" || len(all) == 1 && len(tombs) == 0 {
		shown := Shown{Kind: crdt.KindRegister, Value: newest.value, At: newest.at}
		shown.Open = beaten(&shown, newest.at, tombs)
		return shown
	}
	for _, d := range tombs {
		all = append(all, sibling{at: d.at})
	}
	slices.SortFunc(all, func(a, b sibling) int { return a.at.Compare(b.at) })
	var distinct []sibling
	for i, x := range all {
		if !slices.ContainsFunc(all[i+1:], func(y sibling) bool { return bytes.Equal(x.value, y.value) }) {
			distinct = append(distinct, x)
		}
	}
	if len(distinct) == 1 {
		return Shown{Kind: crdt.KindRegister, Value: distinct[0].value, At: distinct[0].at}
	}
	value := k.resolve(s, all, distinct, strategy, knows)
	shown := Shown{Kind: crdt.KindRegister, Value: value, At: shownFrom(distinct, value)}
	shown.Open = []Entry{siblingsEntry(&shown, all, distinct)}
	if value == nil {
		shown.Kind = crdt.KindNone
	}
	return shown
}

// resolve is the merge strategies, the built-in ones written once more.
func (k *keyOps) resolve(s Set, all, distinct []sibling, strategy string, knows func(string) bool) canon.Value {
	last := distinct[len(distinct)-1].value
	var live []canon.Value
	for _, x := range distinct {
		if x.value != nil {
			live = append(live, x.value)
		}
	}
	switch strategy {
	case "mv/1":
		if len(live) == 1 {
			return live[0]
		}
		v, err := canon.NewArray(live)
		if err != nil {
			return last
		}
		return v
	case "max/1":
		return slices.MaxFunc(live, canon.Compare)
	case "min/1":
		return slices.MinFunc(live, canon.Compare)
	case "union/1":
		return union(live)
	}
	custom := k.m.Custom[strategy]
	if custom == nil || knows == nil || !knows(strategy) {
		return last
	}
	value, ok := k.custom(s, custom, all, distinct, knows)
	if !ok {
		return last
	}
	return value
}

func union(live []canon.Value) canon.Value {
	isArray := func(v canon.Value) bool { return v.Type() == canon.TypeArray }
	if !slices.ContainsFunc(live, isArray) || len(live) == 1 {
		return live[len(live)-1]
	}
	var out []canon.Value
	for _, v := range live {
		elements := []canon.Value{v}
		if isArray(v) {
			elements = slices.Collect(v.Elements())
		}
		for _, e := range elements {
			if !slices.ContainsFunc(out, func(x canon.Value) bool { return bytes.Equal(x, e) }) {
				out = append(out, e)
			}
		}
	}
	v, err := canon.NewArray(out)
	if err != nil {
		panic(err) // elements of arrays of this size always fit into one
	}
	return v
}

// custom runs an application's strategy; ok is false where it misbehaved.
func (k *keyOps) custom(s Set, st crdt.Strategy, all, distinct []sibling, knows func(string) bool) (v canon.Value, ok bool) {
	in := crdt.Siblings{}
	deleted := false
	for _, x := range distinct {
		in.Values = append(in.Values, crdt.Sibling{Stamp: x.at, Value: slices.Clone(x.value), Deleted: x.value == nil})
		deleted = deleted || x.value == nil
	}
	if reader, able := st.(crdt.BaseReader); able && reader.NeedsBase() {
		base := s
		for _, x := range all {
			base = base.Meet(k.m.Closed(k.m.byID[x.at.ID]))
		}
		in.Base = k.m.viewUnder(base, k.ops[0].op.key, st.Name(), knows).Value
	}
	defer func() {
		if recover() != nil {
			v, ok = nil, false
		}
	}()
	v, err := st.Resolve(in)
	if err != nil || v == nil && !deleted || v != nil && canon.Check(v) != nil {
		return nil, false
	}
	return v, true
}
