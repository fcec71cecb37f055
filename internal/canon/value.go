package canon

import (
	"iter"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/order"
)

// Value is one canonical value as its bytes: null, a boolean, a number, a string, bytes, an array of values, or a map
// from strings to values. Two Values are the same value if and only if their bytes are equal.
//
// A Value comes from this package's constructors, from FromJSON or from Reader.Value; bytes from elsewhere become one by
// passing Check. The methods of a Value that did not pass give arbitrary answers, but they do not panic. A Value is
// immutable: who changes its bytes breaks those who share them. The zero Value is no value (TypeInvalid).
type Value []byte

// Entry is one key of a map with its value.
type Entry struct {
	Key   string
	Value Value
}

// Check is nil if b is exactly one Value, else an error that wraps ErrMalformed. It allocates nothing on success.
func Check(b []byte) error {
	end, what := scan(b, 0, MaxDepth, values)
	if what == "" && end != len(b) {
		what = "trailing bytes"
	}
	if what != "" {
		return &malformed{offset: end, what: what}
	}
	return nil
}

// Null is the null value. It is a value like any other, not an absence.
func Null() Value { return Value{leadNil} }

// Bool is a boolean value.
func Bool(b bool) Value { return AppendBool(nil, b) }

// Int is an integer value; beyond ±MaxInteger the error wraps ErrValue.
func Int(n int64) (Value, error) {
	if n < -MaxInteger || n > MaxInteger {
		return nil, &unstorable{what: bigInteger + " (store it as a string)"}
	}
	return AppendInt(nil, n), nil
}

// Float is a number value: an integer item where f is an integer within ±MaxInteger, else a float. For a NaN or an
// infinity the error wraps ErrValue.
func Float(f float64) (Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, &unstorable{what: "a number that is not finite"}
	}
	return appendNumber(nil, f), nil
}

func appendNumber(dst []byte, f float64) []byte {
	if n, ok := exactInteger(f); ok {
		return AppendInt(dst, n)
	}
	return AppendFloat(dst, f)
}

// String is a string value; for invalid UTF-8 the error wraps ErrValue.
func String(s string) (Value, error) {
	if !utf8.ValidString(s) {
		return nil, &unstorable{what: notUTF8 + " (store it as bytes)"}
	}
	return AppendString(nil, s), nil
}

// Bytes is a bytes value; nil and empty are both the empty bytes.
func Bytes(b []byte) Value { return AppendBytes(nil, b) }

// NewArray is the array of the values. The error wraps ErrMalformed if one of them is no value or nests too deep.
func NewArray(elements []Value) (Value, error) {
	size := 5
	for _, e := range elements {
		size += len(e)
	}
	v := AppendArray(make([]byte, 0, size), len(elements))
	for _, e := range elements {
		if len(e) == 0 {
			return nil, &malformed{offset: len(v), what: "an element that is the zero Value"}
		}
		v = append(v, e...)
	}
	return checked(v)
}

// NewMap is the map of the entries, given in any order. The error wraps ErrValue if a key occurs twice or is not valid
// UTF-8, and ErrMalformed if a value is no value, nests too deep, or makes the map the text of bytes (invariant 9).
func NewMap(entries []Entry) (Value, error) {
	sorted := entries
	if !slices.IsSortedFunc(entries, compareKeys) {
		sorted = slices.Clone(entries)
		order.Sort(sorted, compareKeys)
	}
	size := 5
	for i, e := range sorted {
		if i > 0 && sorted[i-1].Key == e.Key {
			return nil, &unstorable{what: "the key " + quote(e.Key) + " twice in one map"}
		}
		if !utf8.ValidString(e.Key) {
			return nil, &unstorable{what: "a key that is not valid UTF-8: " + quote(e.Key)}
		}
		size += 5 + len(e.Key) + len(e.Value)
	}
	v := AppendMap(make([]byte, 0, size), len(sorted))
	for _, e := range sorted {
		if len(e.Value) == 0 {
			return nil, &malformed{offset: len(v), what: "the zero Value under the key " + quote(e.Key)}
		}
		v = append(AppendString(v, e.Key), e.Value...)
	}
	return checked(v)
}

func compareKeys(a, b Entry) int {
	switch {
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	}
	return 0
}

// checked guards what is put together from parts: each may be no value, and together they may nest too deep.
func checked(v Value) (Value, error) {
	if err := Check(v); err != nil {
		return nil, err
	}
	return v, nil
}

// Type is what the value is. A number is TypeInt or TypeFloat, by invariant 7.
func (v Value) Type() Type {
	if len(v) == 0 {
		return TypeInvalid
	}
	return typeOf(v[0])
}

// AsBool is the boolean, and whether the value is one.
func (v Value) AsBool() (b, ok bool) {
	r := NewReader(v)
	b, err := r.Bool()
	return b, err == nil
}

// AsInt is the integer, within ±MaxInteger, and whether the value is one.
func (v Value) AsInt() (int64, bool) {
	r := NewReader(v)
	if r.Peek() != TypeInt {
		return 0, false
	}
	n, err := r.Int()
	return n, err == nil
}

// AsFloat is the number, integer or not, exactly, and whether the value is a number.
func (v Value) AsFloat() (float64, bool) {
	if n, ok := v.AsInt(); ok {
		return float64(n), true
	}
	r := NewReader(v)
	if r.Peek() != TypeFloat {
		return 0, false
	}
	f, err := r.Float()
	return f, err == nil
}

// AsString is a copy of the string, and whether the value is one.
func (v Value) AsString() (string, bool) {
	r := NewReader(v)
	if r.Peek() != TypeString {
		return "", false
	}
	s, err := r.String()
	return s, err == nil
}

// AsBytes is the bytes, which alias the value and must not be changed, and whether the value is bytes.
func (v Value) AsBytes() ([]byte, bool) {
	r := NewReader(v)
	if r.Peek() != TypeBytes {
		return nil, false
	}
	b, err := r.Bytes()
	return b, err == nil
}

// Len is the number of entries of a map or elements of an array, else 0.
func (v Value) Len() int {
	r := NewReader(v)
	if t := r.Peek(); t != TypeArray && t != TypeMap {
		return 0
	}
	n, err := r.count()
	if err != nil {
		return 0
	}
	return n
}

// Entries yields the entries of a map in ascending order of keys, and nothing for other values. Values alias v.
func (v Value) Entries() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for key, value := range v.entries() {
			if !yield(string(key), value) {
				return
			}
		}
	}
}

// entries is Entries without copying the keys.
func (v Value) entries() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		if v.Type() != TypeMap {
			return
		}
		r := NewReader(v)
		n, err := r.Map()
		for ; n > 0 && err == nil; n-- {
			var key, value []byte
			if key, err = r.StringBytes(); err != nil {
				return
			}
			if value, err = r.Raw(); err != nil || !yield(key, value) {
				return
			}
		}
	}
}

// Elements yields the elements of an array in order, and nothing for other values. They alias v.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Type() != TypeArray {
			return
		}
		r := NewReader(v)
		n, err := r.Array()
		for ; n > 0 && err == nil; n-- {
			var element []byte
			if element, err = r.Raw(); err != nil || !yield(element) {
				return
			}
		}
	}
}

// Get is the value under a key of a map, and whether there is one. It aliases v.
func (v Value) Get(key string) (Value, bool) {
	for k, value := range v.entries() {
		if string(k) == key {
			return value, true
		}
		if string(k) > key {
			break
		}
	}
	return nil, false
}

// Lookup follows keys from map to map; with no key it is v itself.
func (v Value) Lookup(path ...string) (Value, bool) {
	ok := len(v) > 0
	for _, key := range path {
		if v, ok = v.Get(key); !ok {
			return nil, false
		}
	}
	return v, ok
}
