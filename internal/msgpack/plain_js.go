package msgpack

import (
	"reflect"

	"github.com/kdelta/kdelta/internal/canon"
)

// In js/wasm no type is plain: go-msgpack is not linked, and the walk does all.
func isPlain(reflect.Type) bool { return false }

func encodePlain(any) (canon.Value, bool) { return nil, false }
