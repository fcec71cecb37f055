package msgpack

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"

	"github.com/kdelta/kdelta/internal/canon"
)

// typeInfo is what both paths need to know about a Go type; it is found out once.
type typeInfo struct {
	own     selfEncoding // how values encode themselves
	ownAddr selfEncoding // how addressable values do, whose methods may hang on the pointer
	number  bool         // json.Number
	value   bool         // canon.Value
	blob    bool         // a slice that is a bytes value
	plain   bool         // go-msgpack gives the same bytes as the walk, or bytes that are not canonical
	fields  *fieldTable
}

// selfEncoding says by which of its methods, if any, a type encodes itself.
type selfEncoding uint8

const (
	byWalk selfEncoding = iota
	byJSON
	byText
)

// known holds a *typeInfo per reflect.Type. Types are finitely many and never change, so it only ever grows to their number.
var known sync.Map

func infoOf(t reflect.Type) *typeInfo {
	if info, ok := known.Load(t); ok {
		return info.(*typeInfo)
	}
	info := &typeInfo{
		own:     ownEncoding(t),
		ownAddr: byWalk,
		number:  t == reflect.TypeFor[json.Number](),
		value:   t == reflect.TypeFor[canon.Value](),
		blob:    isBlob(t),
	}
	if info.ownAddr = info.own; t.Kind() != reflect.Pointer {
		info.ownAddr = ownEncoding(reflect.PointerTo(t))
	}
	if t.Kind() == reflect.Struct {
		info.fields = fieldsOf(t)
	}
	info.plain = isPlain(t)
	actual, _ := known.LoadOrStore(t, info)
	return actual.(*typeInfo)
}

func ownEncoding(t reflect.Type) selfEncoding {
	switch {
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return byJSON
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return byText
	}
	return byWalk
}

// isBlob says whether encoding/json would write t as base64: a slice of bytes whose elements have no encoding of their own.
func isBlob(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && ownEncoding(reflect.PointerTo(t.Elem())) == byWalk
}
