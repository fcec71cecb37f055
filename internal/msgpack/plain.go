//go:build !js

package msgpack

import (
	"bytes"
	"encoding"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"

	"github.com/kdelta/kdelta/internal/canon"
)

// handle makes go-msgpack write the canonical forms: unsigned for nonnegative integers, sorted keys, strings apart from bytes. It
// is complete before it is used and never changes.
var handle = func() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{WriteExt: true, PositiveIntUnsigned: true}
	h.Canonical = true
	return h
}()

// plainEncoder is one of go-msgpack's encoders, which are expensive to make, and the memory that it writes to.
type plainEncoder struct {
	codec *codec.Encoder
	out   []byte
}

var plainEncoders = sync.Pool{New: func() any {
	e := &plainEncoder{}
	e.codec = codec.NewEncoderBytes(&e.out, handle)
	return e
}}

// maxKept bounds the memory that an idle encoder holds on to.
const maxKept = 64 << 10

// encodePlain encodes a value of a plain type by go-msgpack; ok is false if what came out is not canonical, so that the walk
// has to say why or find the other form.
func encodePlain(x any) (v canon.Value, ok bool) {
	e := plainEncoders.Get().(*plainEncoder)
	e.codec.ResetBytes(&e.out)
	if err := e.codec.Encode(x); err == nil && canon.Check(e.out) == nil {
		v, ok = bytes.Clone(e.out), true
	}
	if cap(e.out) <= maxKept {
		plainEncoders.Put(e)
	}
	return v, ok
}

// isPlain says whether go-msgpack and encoding/json agree on the type.
func isPlain(t reflect.Type) bool { return isPlainWithin(t, nil) }

// isPlainWithin is isPlain for a type met inside the types around it. Recursive types are not plain: their values may be cyclic, on
// which go-msgpack overflows the stack.
func isPlainWithin(t reflect.Type, around []reflect.Type) bool {
	if slices.Contains(around, t) || hasOwnWay(t) || hasOwnWay(reflect.PointerTo(t)) {
		return false
	}
	around = append(around, t)
	switch t.Kind() {
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return t.PkgPath() != "encoding/json" // json.Number is a string that is none
	case reflect.Pointer:
		return isPlainWithin(t.Elem(), around)
	case reflect.Slice:
		// go-msgpack takes []byte alone for bytes, encoding/json every slice of a byte type.
		return t == reflect.TypeFor[[]byte]() || t.Elem().Kind() != reflect.Uint8 && isPlainWithin(t.Elem(), around)
	case reflect.Map:
		return t.Key().Kind() == reflect.String && !hasOwnWay(t.Key()) && isPlainWithin(t.Elem(), around)
	case reflect.Struct:
		return isPlainStruct(t, around)
	}
	return false
}

// hasOwnWay says whether encoding/json or go-msgpack would ask the type itself.
func hasOwnWay(t reflect.Type) bool {
	return ownEncoding(t) != byWalk ||
		t.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) ||
		t.Implements(reflect.TypeFor[codec.Selfer]()) ||
		t.Implements(reflect.TypeFor[codec.MissingFielder]()) ||
		t.Implements(reflect.TypeFor[codec.MapBySlice]())
}

func isPlainStruct(t reflect.Type, around []reflect.Type) bool {
	table := fieldsOf(t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case sf.Anonymous || sf.Tag.Get("codec") != "" || sf.Name == "_struct":
			return false
		case !sf.IsExported() || tag == "-":
			continue
		case options != "" && options != "omitempty":
			return false
		case options == "omitempty" && sf.Type.Kind() == reflect.Struct:
			return false // never empty for encoding/json, empty when zero for go-msgpack
		case !isPlainWithin(sf.Type, around):
			return false
		}
		// go-msgpack takes a tag's name whatever its characters, and one of several fields with one name.
		if name == "" {
			name = sf.Name
		}
		if k, ok := table.byName[name]; !ok || table.fields[k].index[0] != i {
			return false
		}
	}
	return true
}
