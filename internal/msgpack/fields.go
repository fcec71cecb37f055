package msgpack

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/kdelta/kdelta/internal/order"
)

// fieldTable is the fields of a struct as encoding/json sees them: embedded structs opened, shadowed and ambiguous names left
// out. They stand in ascending order of names, in which a canonical map has its keys.
type fieldTable struct {
	fields []field
	byName map[string]int
}

type field struct {
	name      string
	index     []int // as in reflect.Value.FieldByIndex
	order     int   // of declaration: the first of those that match by case only is taken
	tagged    bool
	omitEmpty bool
	omitZero  bool
	quoted    bool // the string option: numbers, booleans and strings as text
}

// find is the field for a key: the one of that name, else the first that differs by case only; nil if there is none.
func (t *fieldTable) find(key []byte) *field {
	if i, ok := t.byName[string(key)]; ok {
		return &t.fields[i]
	}
	var found *field
	for i := range t.fields {
		f := &t.fields[i]
		if (found == nil || f.order < found.order) && strings.EqualFold(f.name, string(key)) {
			found = f
		}
	}
	return found
}

// embedded is a struct type met at some level of embedding, the way to its first occurrence there, and how often it occurs there.
type embedded struct {
	typ   reflect.Type
	index []int
	times int
}

// fieldsOf walks the embedding level by level, as Go's selector rule does: what is nearer shadows what is deeper.
func fieldsOf(t reflect.Type) *fieldTable {
	var all []field
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: t, times: 1}}; len(level) > 0; {
		var deeper []embedded
		for _, e := range level {
			if seen[e.typ] {
				continue
			}
			seen[e.typ] = true
			found, opened := fieldsAt(e)
			all = append(all, found...)
			if e.times > 1 {
				all = append(all, found...) // so that dominant finds its names ambiguous
			}
			for _, o := range opened {
				i := slices.IndexFunc(deeper, func(d embedded) bool { return d.typ == o.typ })
				if i < 0 {
					deeper = append(deeper, o)
				} else {
					deeper[i].times++
				}
			}
		}
		level = deeper
	}
	return newFieldTable(dominant(all))
}

// fieldsAt lists the fields of one struct: those that have a name of their own, and the embedded structs to be opened.
func fieldsAt(e embedded) (found []field, opened []embedded) {
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		target := sf.Type
		if target.Name() == "" && target.Kind() == reflect.Pointer {
			target = target.Elem()
		}
		// Exported fields of an unexported embedded struct are visible, the struct itself is not.
		if !sf.IsExported() && (!sf.Anonymous || target.Kind() != reflect.Struct) {
			continue
		}
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		f := field{name: name, index: append(slices.Clone(e.index), i), tagged: true}
		if !isValidName(name) {
			f.name, f.tagged = sf.Name, false
			if sf.Anonymous && target.Kind() == reflect.Struct {
				opened = append(opened, embedded{typ: target, index: f.index, times: 1})
				continue
			}
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty":
				f.omitEmpty = true
			case "omitzero":
				f.omitZero = true
			case "string":
				f.quoted = isQuotable(target.Kind())
			}
		}
		found = append(found, f)
	}
	return found, opened
}

// dominant keeps for each name the field that encoding/json takes: the least deep, of these the tagged one; none if that leaves
// several.
func dominant(all []field) []field {
	order.Sort(all, func(a, b field) int {
		return cmp.Or(
			strings.Compare(a.name, b.name),
			cmp.Compare(len(a.index), len(b.index)),
			-compareBools(a.tagged, b.tagged),
			slices.Compare(a.index, b.index),
		)
	})
	var kept []field
	for start, end := 0, 0; start < len(all); start = end {
		for end = start + 1; end < len(all) && all[end].name == all[start].name; end++ {
			continue
		}
		first := all[start]
		if end > start+1 {
			second := all[start+1]
			if len(second.index) == len(first.index) && second.tagged == first.tagged {
				continue
			}
		}
		kept = append(kept, first)
	}
	return kept
}

func newFieldTable(fields []field) *fieldTable {
	t := &fieldTable{fields: fields, byName: make(map[string]int, len(fields))}
	order.Sort(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	for i := range fields {
		fields[i].order = i
	}
	order.Sort(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	for i, f := range fields {
		t.byName[f.name] = i
	}
	return t
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func isQuotable(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}

// isValidName says whether encoding/json takes a tag's name for one.
func isValidName(name string) bool {
	if name == "" {
		return false
	}
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return true
}
