package replicatest

import (
	"bytes"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// says is one claim: at this path there is this value, or nothing.
type says struct {
	path  []string
	value canon.Value // nil: nothing
	by    *placed
	field bool // from a patch, and not a leaf of a put
	wiped bool
}

func (c *says) isEmptyObject() bool {
	return c.value != nil && c.value.Type() == canon.TypeMap && c.value.Len() == 0
}

// record shows puts and patches member by member: of every two claims at one path, or above each other, the rules of
// package crdt say which stands.
func (k *keyOps) record(roots, patches, tombs []*placed, newest clock.Stamp, byMember, liveField bool) Shown {
	var claims []says
	for _, r := range k.shownRoots(roots, byMember, liveField) {
		claims = appendLeaves(claims, r, nil, r.op.value)
	}
	kind := crdt.KindRegister
	if liveField {
		kind = crdt.KindRecord
		for _, p := range patches {
			for _, e := range p.op.edits {
				if !k.replaced(p, e.path) {
					claims = append(claims, says{path: e.path, value: e.value, by: p, field: true})
				}
			}
		}
	}
	for i := range claims {
		for j := range claims {
			if i != j {
				claims[i].wiped = claims[i].wiped || k.wipes(&claims[j], &claims[i])
			}
		}
	}
	var standing []says
	for _, c := range claims {
		if !c.wiped && c.value != nil {
			standing = append(standing, c)
		}
	}
	shown := Shown{Kind: kind, Value: build(standing, 0)}
	for i := range claims {
		if shown.At.Less(claims[i].by.at) {
			shown.At = claims[i].by.at
		}
	}
	if !byMember {
		shown.Open = otherRoots(k.shownRoots(roots, true, liveField))
	}
	shown.Open = append(shown.Open, beaten(&shown, newest, tombs)...)
	shown.Open = append(shown.Open, k.lostMembers(&shown, claims, standing)...)
	return shown
}

// shownRoots: the live ones, or all if a patch revives them; without `fields` those that say what the newest says.
func (k *keyOps) shownRoots(roots []*placed, byMember, liveField bool) []*placed {
	shown := slices.DeleteFunc(slices.Clone(roots), func(r *placed) bool { return !k.alive(r) })
	if len(shown) == 0 && liveField {
		shown = slices.Clone(roots)
	}
	if byMember || len(shown) == 0 {
		return shown
	}
	newest := slices.MaxFunc(shown, func(a, b *placed) int { return a.at.Compare(b.at) })
	return slices.DeleteFunc(shown, func(r *placed) bool { return !bytes.Equal(r.op.value, newest.op.value) })
}

// appendLeaves lays a value out: objects with members are looked into, unless they stand for bytes.
func appendLeaves(claims []says, by *placed, path []string, v canon.Value) []says {
	if v.Type() != canon.TypeMap || v.Len() == 0 {
		return append(claims, says{path: path, value: v, by: by})
	}
	if _, is := v.Get("$bytes"); is {
		return append(claims, says{path: path, value: v, by: by})
	}
	for key, member := range v.Entries() {
		claims = appendLeaves(claims, by, append(slices.Clone(path), key), member)
	}
	return claims
}

// knew reports whether the patch behind c was written by somebody who knew what x is from.
func (k *keyOps) knew(c, x *says) bool {
	return c.field && (c.by.n == x.by.n || k.m.nodes[c.by.n].past.Has(x.by.n))
}

// later reports whether c comes after x: by the total order, a version's patch after its own put.
func later(c, x *says) bool {
	if c.by.n == x.by.n {
		return c.field && !x.field
	}
	return x.by.at.Less(c.by.at)
}

// wipes reports whether c keeps x from standing.
func (k *keyOps) wipes(c, x *says) bool {
	switch {
	case slices.Equal(c.path, x.path):
		return later(c, x)
	case within(x.path, c.path): // c is above x
		switch {
		case k.knew(x, c):
			return false
		case !x.field && k.knew(c, x):
			return true
		case x.value == nil || c.isEmptyObject():
			return false
		}
		return !later(x, c)
	case within(c.path, x.path): // c is below x
		switch {
		case k.knew(c, x):
			return true
		case !c.field && k.knew(x, c), c.value == nil, x.isEmptyObject():
			return false
		}
		return later(c, x)
	}
	return false
}

// build writes standing claims as one value; none are the empty object.
func build(claims []says, depth int) canon.Value {
	for _, c := range claims {
		if len(c.path) == depth && len(claims) == 1 {
			return c.value
		}
	}
	members := make(map[string][]says)
	for _, c := range claims {
		if len(c.path) > depth {
			members[c.path[depth]] = append(members[c.path[depth]], c)
		}
	}
	var entries []canon.Entry
	for key, of := range members {
		entries = append(entries, canon.Entry{Key: key, Value: build(of, depth+1)})
	}
	v, err := canon.NewMap(entries)
	if err != nil {
		panic(err) // claims at different paths never share a key
	}
	return v
}
