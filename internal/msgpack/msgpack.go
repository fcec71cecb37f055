package msgpack

import (
	"errors"
	"reflect"
	"strings"

	"github.com/kdelta/kdelta/internal/canon"
)

// ErrUnsupported is wrapped by FromGo for Go types that no Value stands for: channels, functions, complex numbers, maps with
// other keys than strings, integers and text. Give the type a MarshalJSON method or tag the field `json:"-"`.
var ErrUnsupported = errors.New("unsupported Go type")

// ErrMismatch is wrapped by ToGo when a Value does not fit the Go type it should decode into. The error's text has the path
// (RFC 6901), what was found and the Go type.
var ErrMismatch = errors.New("value does not fit the Go type")

// FromGo turns an application value into a Value. The error names the path and wraps canon.ErrValue where the Go value would
// lose something (and for a cycle, which is too deep), ErrUnsupported for types that cannot be turned, canon.ErrJSON where a
// MarshalJSON method wrote no JSON, or the error of such a method.
func FromGo(x any) (canon.Value, error) {
	if x == nil {
		return canon.Null(), nil
	}
	rv := reflect.ValueOf(x)
	if infoOf(rv.Type()).plain {
		if v, ok := encodePlain(x); ok {
			return v, nil
		}
	}
	return walkFromGo(rv)
}

// ToGo decodes a Value into what dst points to, as json.Unmarshal would: maps and structs are filled in, fields without a key
// keep what they hold, keys without a field are ignored, null empties pointers, maps, slices and interfaces and leaves the rest;
// slices are replaced. Nothing that dst then holds aliases v. On an error, which names the path and wraps ErrMismatch or the
// error of an UnmarshalJSON or UnmarshalText method, what dst points to may be partly filled.
func ToGo(v canon.Value, dst any) error {
	rv := reflect.ValueOf(dst)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return &fault{what: "the destination must be a pointer that is not nil", kind: ErrMismatch}
	}
	r := canon.NewReader(v)
	f := decode(&r, rv)
	if f == nil {
		if err := r.End(); err != nil {
			f = &fault{what: "bytes that are no value", kind: err}
		}
	}
	if f != nil {
		return f
	}
	return nil
}

// fault is an error on its way up; each container it leaves adds its segment of the path.
type fault struct {
	what string
	kind error
	path string
}

func (f *fault) Error() string {
	path := f.path
	if path == "" {
		path = "the top"
	}
	text := "msgpack: at " + path + ": "
	if f.what != "" {
		text += f.what + ": "
	}
	return text + f.kind.Error()
}

func (f *fault) Unwrap() error { return f.kind }

// under is f seen from the container that holds it under key.
func (f *fault) under(key string) *fault {
	if f != nil {
		key = strings.ReplaceAll(key, "~", "~0")
		f.path = "/" + strings.ReplaceAll(key, "/", "~1") + f.path
	}
	return f
}
