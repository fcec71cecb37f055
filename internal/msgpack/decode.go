package msgpack

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/internal/canon"
)

// decode reads the next value of r into rv.
func decode(r *canon.Reader, rv reflect.Value) *fault {
	found := r.Peek()
	t := settle(rv, found == canon.TypeNull)
	switch {
	case t.json != nil:
		return decodeOwn(r, t.json)
	case t.text != nil && found == canon.TypeString:
		text, err := r.StringBytes()
		if err == nil {
			err = t.text.UnmarshalText(slices.Clone(text))
		}
		return wrap(err)
	case t.text != nil && found != canon.TypeNull:
		return mismatch(found.String(), rv.Type())
	}
	rv = t.rv
	if infoOf(rv.Type()).value {
		raw, err := r.Value()
		rv.SetBytes(slices.Clone(raw))
		return wrap(err)
	}
	if rv.Kind() == reflect.Interface && found != canon.TypeNull {
		if rv.NumMethod() > 0 {
			return mismatch(found.String(), rv.Type())
		}
		x, err := decodeAny(r)
		if err == nil {
			rv.Set(reflect.ValueOf(x))
		}
		return wrap(err)
	}
	switch found {
	case canon.TypeNull:
		switch rv.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
			rv.SetZero()
		}
		return wrap(r.Nil())
	case canon.TypeArray:
		return decodeArray(r, rv)
	case canon.TypeMap:
		return decodeMap(r, rv)
	default:
		return decodeScalar(r, found, rv)
	}
}

func wrap(err error) *fault {
	if err == nil {
		return nil
	}
	return &fault{kind: err}
}

func mismatch(found string, t reflect.Type) *fault {
	return &fault{what: "found " + found + " for " + t.String(), kind: ErrMismatch}
}

// target is where a value goes in the end: a method of the type's own, or memory.
type target struct {
	json json.Unmarshaler
	text encoding.TextUnmarshaler
	rv   reflect.Value
}

// settle follows pointers and filled interfaces to the target, making what pointers lack; null stops at the first pointer that
// it can empty. These are the rules of encoding/json.
func settle(rv reflect.Value, null bool) target {
	plain, haveAddr := rv, false
	if rv.Kind() != reflect.Pointer && rv.Type().Name() != "" && rv.CanAddr() {
		rv, haveAddr = rv.Addr(), true
	}
	for {
		if rv.Kind() == reflect.Interface && !rv.IsNil() {
			e := rv.Elem()
			if e.Kind() == reflect.Pointer && !e.IsNil() && (!null || e.Elem().Kind() == reflect.Pointer) {
				rv, haveAddr = e, false
				continue
			}
		}
		if rv.Kind() != reflect.Pointer || null && rv.CanSet() {
			return target{rv: rv}
		}
		// An interface that holds its own address leads nowhere.
		if e := rv.Elem(); e.Kind() == reflect.Interface && e.Elem().Equal(rv) {
			return target{rv: e}
		}
		if rv.IsNil() {
			rv.Set(reflect.New(rv.Type().Elem()))
		}
		if rv.Type().NumMethod() > 0 && rv.CanInterface() {
			switch own := rv.Interface().(type) {
			case json.Unmarshaler:
				return target{json: own, rv: rv}
			case encoding.TextUnmarshaler:
				if !null {
					return target{text: own, rv: rv}
				}
			}
		}
		if haveAddr {
			rv, haveAddr = plain, false
		} else {
			rv = rv.Elem()
		}
	}
}

func decodeOwn(r *canon.Reader, own json.Unmarshaler) *fault {
	v, err := r.Value()
	if err == nil {
		err = own.UnmarshalJSON(v.AppendJSON(nil))
	}
	return wrap(err)
}

func decodeScalar(r *canon.Reader, found canon.Type, rv reflect.Value) *fault {
	switch found {
	case canon.TypeBool:
		b, err := r.Bool()
		if err != nil || rv.Kind() != reflect.Bool {
			return orMismatch(err, found, rv)
		}
		rv.SetBool(b)
	case canon.TypeInt, canon.TypeFloat:
		return decodeNumber(r, rv)
	case canon.TypeString:
		s, err := r.String()
		if err != nil || rv.Kind() != reflect.String {
			return orMismatch(err, found, rv)
		}
		if infoOf(rv.Type()).number {
			if _, f := parseNumber(s); f != nil {
				return mismatch("the string "+strconv.Quote(s), rv.Type())
			}
		}
		rv.SetString(s)
	case canon.TypeBytes:
		b, err := r.Bytes()
		if err != nil || !infoOf(rv.Type()).blob {
			return orMismatch(err, found, rv)
		}
		rv.SetBytes(slices.Clone(b))
	default:
		return wrap(r.Skip()) // no value starts here: the Reader says what is wrong
	}
	return nil
}

func orMismatch(err error, found canon.Type, rv reflect.Value) *fault {
	if err != nil {
		return wrap(err)
	}
	return mismatch(found.String(), rv.Type())
}

func decodeNumber(r *canon.Reader, rv reflect.Value) *fault {
	v, err := r.Value()
	if err != nil {
		return wrap(err)
	}
	n, whole := v.AsInt()
	f, _ := v.AsFloat()
	switch {
	case rv.CanInt() && whole && !rv.OverflowInt(n):
		rv.SetInt(n)
	case rv.CanUint() && whole && n >= 0 && !rv.OverflowUint(uint64(n)):
		rv.SetUint(uint64(n))
	case rv.Kind() == reflect.Float64:
		rv.SetFloat(f)
	case rv.Kind() == reflect.Float32:
		f, err = strconv.ParseFloat(string(v.AppendJSON(nil)), 32)
		if err != nil || math.IsInf(f, 0) {
			return mismatch("the number "+string(v.AppendJSON(nil)), rv.Type())
		}
		rv.SetFloat(f)
	case infoOf(rv.Type()).number:
		rv.SetString(string(v.AppendJSON(nil)))
	default:
		return mismatch("the number "+string(v.AppendJSON(nil)), rv.Type())
	}
	return nil
}

// decodeAny reads the next value as what an empty interface holds.
func decodeAny(r *canon.Reader) (any, error) {
	switch r.Peek() {
	case canon.TypeBool:
		return r.Bool()
	case canon.TypeInt:
		return r.Int()
	case canon.TypeFloat:
		return r.Float()
	case canon.TypeString:
		return r.String()
	case canon.TypeBytes:
		b, err := r.Bytes()
		return append([]byte{}, b...), err
	case canon.TypeArray:
		n, err := r.Array()
		if err != nil {
			return nil, err
		}
		out := make([]any, n)
		for i := range out {
			if out[i], err = decodeAny(r); err != nil {
				return nil, err
			}
		}
		return out, nil
	case canon.TypeMap:
		n, err := r.Map()
		out := make(map[string]any, n)
		for ; n > 0 && err == nil; n-- {
			var key string
			if key, err = r.String(); err == nil {
				out[key], err = decodeAny(r)
			}
		}
		return out, err
	default:
		return nil, r.Nil()
	}
}

func decodeArray(r *canon.Reader, rv reflect.Value) *fault {
	n, err := r.Array()
	switch {
	case err != nil:
		return wrap(err)
	case rv.Kind() == reflect.Slice:
		fresh := reflect.MakeSlice(rv.Type(), n, n)
		for i := range n {
			if f := decode(r, fresh.Index(i)); f != nil {
				return f.under(strconv.Itoa(i))
			}
		}
		rv.Set(fresh)
		return nil
	case rv.Kind() != reflect.Array:
		return mismatch(canon.TypeArray.String(), rv.Type())
	}
	for i := range n {
		if i >= rv.Len() {
			if err := r.Skip(); err != nil { // as in encoding/json, what does not fit is dropped
				return wrap(err)
			}
		} else if f := decode(r, rv.Index(i)); f != nil {
			return f.under(strconv.Itoa(i))
		}
	}
	for i := n; i < rv.Len(); i++ {
		rv.Index(i).SetZero()
	}
	return nil
}
