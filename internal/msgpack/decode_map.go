package msgpack

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/internal/canon"
)

func decodeMap(r *canon.Reader, rv reflect.Value) *fault {
	switch rv.Kind() {
	case reflect.Map:
		return decodeGoMap(r, rv)
	case reflect.Struct:
		return decodeStruct(r, rv)
	}
	return mismatch(canon.TypeMap.String(), rv.Type())
}

func decodeGoMap(r *canon.Reader, rv reflect.Value) *fault {
	n, err := r.Map()
	if err != nil {
		return wrap(err)
	}
	t := rv.Type()
	if rv.IsNil() {
		rv.Set(reflect.MakeMapWithSize(t, n))
	}
	for range n {
		text, err := r.StringBytes()
		if err != nil {
			return wrap(err)
		}
		key, f := decodeKey(text, t)
		if f == nil {
			value := reflect.New(t.Elem()).Elem()
			if f = decode(r, value); f == nil {
				rv.SetMapIndex(key, value)
				continue
			}
		}
		return f.under(string(text))
	}
	return nil
}

// decodeKey makes the key of a Go map of type t from text.
func decodeKey(text []byte, t reflect.Type) (reflect.Value, *fault) {
	key := reflect.New(t.Key())
	if own, ok := key.Interface().(encoding.TextUnmarshaler); ok {
		return key.Elem(), wrap(own.UnmarshalText(slices.Clone(text)))
	}
	key = key.Elem()
	switch {
	case key.Kind() == reflect.String:
		key.SetString(string(text))
		return key, nil
	case key.CanInt():
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && !key.OverflowInt(n) {
			key.SetInt(n)
			return key, nil
		}
	case key.CanUint():
		if n, err := strconv.ParseUint(string(text), 10, 64); err == nil && !key.OverflowUint(n) {
			key.SetUint(n)
			return key, nil
		}
	}
	return key, mismatch("the key "+strconv.Quote(string(text)), t)
}

func decodeStruct(r *canon.Reader, rv reflect.Value) *fault {
	n, err := r.Map()
	if err != nil {
		return wrap(err)
	}
	table := infoOf(rv.Type()).fields
	for range n {
		key, err := r.StringBytes()
		if err != nil {
			return wrap(err)
		}
		fd := table.find(key)
		if fd == nil {
			if err := r.Skip(); err != nil {
				return wrap(err)
			}
			continue
		}
		value, f := reachField(rv, fd.index)
		switch {
		case f != nil:
		case fd.quoted:
			f = decodeQuoted(r, value)
		default:
			f = decode(r, value)
		}
		if f != nil {
			return f.under(string(key))
		}
	}
	return nil
}

// reachField is the field at an index path, making the embedded structs that pointers on the way lack.
func reachField(rv reflect.Value, index []int) (reflect.Value, *fault) {
	for _, i := range index {
		if rv.Kind() == reflect.Pointer {
			if rv.IsNil() {
				if !rv.CanSet() {
					return rv, mismatch("a key of an embedded pointer to an unexported struct", rv.Type())
				}
				rv.Set(reflect.New(rv.Type().Elem()))
			}
			rv = rv.Elem()
		}
		rv = rv.Field(i)
	}
	return rv, nil
}

// decodeQuoted reads a number, boolean or string that the string option made text. Integers of 64 bits come whole, since they
// were never numbers on the way.
func decodeQuoted(r *canon.Reader, rv reflect.Value) *fault {
	if r.Peek() == canon.TypeNull {
		return decode(r, rv)
	}
	if found := r.Peek(); found != canon.TypeString {
		return mismatch(found.String()+", not text as the string option says,", rv.Type())
	}
	text, err := r.String()
	if err != nil {
		return wrap(err)
	}
	t := settle(rv, text == "null")
	if t.json != nil {
		return wrap(t.json.UnmarshalJSON([]byte(text)))
	}
	wrong := mismatch("the text "+strconv.Quote(text), rv.Type())
	switch {
	case t.text != nil:
	case t.rv.CanInt():
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && !t.rv.OverflowInt(n) {
			t.rv.SetInt(n)
			return nil
		}
	case t.rv.CanUint():
		if n, err := strconv.ParseUint(text, 10, 64); err == nil && !t.rv.OverflowUint(n) {
			t.rv.SetUint(n)
			return nil
		}
	}
	inner, err := canon.FromJSON([]byte(text))
	if err != nil || !isScalar(inner) {
		return wrong
	}
	ir := canon.NewReader(inner)
	if f := decode(&ir, rv); f != nil {
		return wrong
	}
	return nil
}

func isScalar(v canon.Value) bool {
	t := v.Type()
	return t != canon.TypeArray && t != canon.TypeMap && t != canon.TypeBytes
}
