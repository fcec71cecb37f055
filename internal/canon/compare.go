package canon

import (
	"bytes"
	"cmp"
)

// Compare is a total order over Values: null < false < true < numbers < strings < bytes < arrays < maps. Numbers
// compare by their exact value, strings and bytes bytewise, arrays element by element, maps entry by entry in ascending
// order of keys (key first, then value); of two where one is the beginning of the other, the shorter is less. The
// result is −1, 0 or 1, and 0 only for equal bytes.
func Compare(a, b Value) int {
	if bytes.Equal(a, b) {
		return 0
	}
	if c := cmp.Compare(class(a), class(b)); c != 0 {
		return c
	}
	if c := compareWithin(a, b); c != 0 {
		return c
	}
	return bytes.Compare(a, b) // only where one of them never passed Check
}

// class is the type with the two kinds of numbers made one.
func class(v Value) Type {
	if t := v.Type(); t != TypeFloat {
		return t
	}
	return TypeInt
}

// compareWithin compares two values of one class.
func compareWithin(a, b Value) int {
	switch class(a) {
	case TypeBool:
		return bytes.Compare(a, b) // false is 0xc2, true 0xc3
	case TypeInt:
		// Both as float64: an integer within ±MaxInteger converts exactly.
		x, _ := a.AsFloat()
		y, _ := b.AsFloat()
		return cmp.Compare(x, y)
	case TypeString:
		return bytes.Compare(content(a), content(b))
	case TypeBytes:
		x, _ := a.AsBytes()
		y, _ := b.AsBytes()
		return bytes.Compare(x, y)
	case TypeArray, TypeMap:
		return compareItems(a, b)
	default:
		return 0
	}
}

// compareItems compares arrays element by element and maps entry by entry; an entry is a key item and a value item, so
// one walk serves both.
func compareItems(a, b Value) int {
	ra, rb := NewReader(a), NewReader(b)
	na, errA := ra.count()
	nb, errB := rb.count()
	if errA != nil || errB != nil {
		return 0
	}
	per := 1
	if a.Type() == TypeMap {
		per = 2
	}
	for range min(na, nb) * per {
		x, errX := ra.Raw()
		y, errY := rb.Raw()
		if errX != nil || errY != nil {
			return 0
		}
		if c := Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(na, nb)
}

func content(v Value) []byte {
	r := NewReader(v)
	b, err := r.StringBytes()
	if err != nil {
		return nil
	}
	return b
}
