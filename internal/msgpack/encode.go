package msgpack

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// maxHops bounds the pointers and interfaces between two containers, where a cycle makes no depth.
const maxHops = 100

const tooDeep = "arrays and maps nested more than 32 deep, or a cycle"

// walkFromGo is FromGo by the walk.
func walkFromGo(rv reflect.Value) (canon.Value, error) {
	var w walker
	if f := w.encode(rv, place{}); f != nil {
		return nil, f
	}
	return w.out, nil
}

// walker appends the canonical bytes of Go values, in one pass.
type walker struct{ out []byte }

// place is where in the tree a value stands.
type place struct {
	depth  int  // of the containers around it
	hops   int  // of pointers and interfaces since the last of them
	quoted bool // it is to be text, by the string option
}

func lossy(what string) *fault { return &fault{what: what, kind: canon.ErrValue} }

func (w *walker) encode(rv reflect.Value, at place) *fault {
	info := infoOf(rv.Type())
	if info.value {
		return w.foreign(rv.Bytes(), at)
	}
	own := info.own
	if own != info.ownAddr && rv.CanAddr() {
		rv, own = rv.Addr(), info.ownAddr
	}
	if own != byWalk {
		return w.encodeOwn(rv, own, at)
	}
	switch k := rv.Kind(); {
	case k == reflect.String:
		return w.encodeString(rv.String(), info.number, at)
	case k == reflect.Bool:
		w.bool(rv.Bool(), at)
		return nil
	case rv.CanInt():
		return w.encodeInt(rv.Int(), at)
	case rv.CanUint():
		return w.encodeUint(rv.Uint(), at)
	case rv.CanFloat():
		return w.encodeFloat(rv.Float(), rv.Type().Bits(), at)
	case k == reflect.Pointer || k == reflect.Interface:
		return w.encodeBehind(rv, at)
	case k == reflect.Slice && rv.IsNil() || k == reflect.Map && rv.IsNil():
		w.out = canon.AppendNil(w.out)
		return nil
	case info.blob:
		w.out = canon.AppendBytes(w.out, rv.Bytes())
		return nil
	case k == reflect.Slice || k == reflect.Array:
		return w.encodeArray(rv, at)
	case k == reflect.Map:
		return w.encodeMap(rv, at)
	case k == reflect.Struct:
		return w.encodeStruct(rv, info.fields, at)
	}
	return &fault{what: rv.Type().String(), kind: ErrUnsupported}
}

// encodeBehind encodes what a pointer or an interface leads to.
func (w *walker) encodeBehind(rv reflect.Value, at place) *fault {
	if rv.IsNil() {
		w.out = canon.AppendNil(w.out)
		return nil
	}
	if at.hops++; at.hops > maxHops {
		return lossy("a cycle of pointers")
	}
	return w.encode(rv.Elem(), at)
}

// encodeOwn lets a value encode itself.
func (w *walker) encodeOwn(rv reflect.Value, own selfEncoding, at place) *fault {
	if k := rv.Kind(); (k == reflect.Pointer || k == reflect.Interface) && rv.IsNil() {
		w.out = canon.AppendNil(w.out)
		return nil
	}
	if own == byText {
		text, err := rv.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return &fault{what: rv.Type().String() + ".MarshalText", kind: err}
		}
		return w.encodeString(string(text), false, place{})
	}
	text, err := rv.Interface().(json.Marshaler).MarshalJSON()
	var v canon.Value
	if err == nil {
		v, err = canon.FromJSON(text)
	}
	if err != nil {
		return &fault{what: rv.Type().String() + ".MarshalJSON", kind: err}
	}
	return w.foreign(v, at)
}

// foreign appends a Value that comes from elsewhere; the zero Value is null.
func (w *walker) foreign(v canon.Value, at place) *fault {
	if len(v) == 0 {
		v = canon.Null()
	}
	if err := canon.Check(v); err != nil {
		return &fault{kind: err}
	}
	if at.depth > 0 && isDeeper(v, canon.MaxDepth-at.depth) {
		return lossy(tooDeep)
	}
	w.out = append(w.out, v...)
	return nil
}

// isDeeper says whether a value nests more containers than room.
func isDeeper(v canon.Value, room int) bool {
	if t := v.Type(); t != canon.TypeArray && t != canon.TypeMap {
		return false
	}
	if room == 0 {
		return true
	}
	for e := range v.Elements() {
		if isDeeper(e, room-1) {
			return true
		}
	}
	for _, e := range v.Entries() {
		if isDeeper(e, room-1) {
			return true
		}
	}
	return false
}

func (w *walker) bool(b bool, at place) {
	if at.quoted {
		w.out = canon.AppendString(w.out, strconv.FormatBool(b))
	} else {
		w.out = canon.AppendBool(w.out, b)
	}
}

func (w *walker) encodeInt(n int64, at place) *fault {
	switch {
	case at.quoted:
		w.out = canon.AppendString(w.out, strconv.FormatInt(n, 10))
	case n < -canon.MaxInteger || n > canon.MaxInteger:
		return integerRefused(strconv.FormatInt(n, 10))
	default:
		w.out = canon.AppendInt(w.out, n)
	}
	return nil
}

func (w *walker) encodeUint(n uint64, at place) *fault {
	switch {
	case at.quoted:
		w.out = canon.AppendString(w.out, strconv.FormatUint(n, 10))
	case n > canon.MaxInteger:
		return integerRefused(strconv.FormatUint(n, 10))
	default:
		w.out = canon.AppendUint(w.out, n)
	}
	return nil
}

func integerRefused(digits string) *fault {
	return lossy("the integer " + digits + " is beyond 2^53-1 (tag the field `json:\",string\"` to keep it as text)")
}

// encodeFloat encodes a float of 32 or 64 bits by its shortest text.
func (w *walker) encodeFloat(f float64, bits int, at place) *fault {
	if bits == 32 {
		// A float32 is finite only if this is; the error can be none other.
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
	}
	v, err := canon.Float(f)
	switch {
	case err != nil:
		return lossy("the number " + strconv.FormatFloat(f, 'g', -1, bits) + " is not finite")
	case at.quoted && f == 0 && math.Signbit(f):
		w.out = canon.AppendString(w.out, "-0") // text keeps the sign that a Value has not
	case at.quoted:
		w.out = canon.AppendString(w.out, string(v.AppendJSON(nil)))
	default:
		w.out = append(w.out, v...)
	}
	return nil
}

func (w *walker) encodeString(s string, number bool, at place) *fault {
	if number {
		if s == "" {
			s = "0" // the zero json.Number
		}
		v, f := parseNumber(s)
		if f != nil || !at.quoted {
			w.out = append(w.out, v...)
			return f
		}
	} else if !utf8.ValidString(s) {
		return lossy("a string that is not valid UTF-8: " + strconv.Quote(s) + " (use []byte)")
	} else if at.quoted {
		v, err := canon.String(s)
		if err != nil {
			return &fault{kind: err}
		}
		s = string(v.AppendJSON(nil))
	}
	w.out = canon.AppendString(w.out, s)
	return nil
}

// parseNumber reads the text of a json.Number, which has no space around it.
func parseNumber(s string) (canon.Value, *fault) {
	v, err := canon.FromJSON([]byte(s))
	if err != nil {
		return nil, &fault{what: "the json.Number " + strconv.Quote(s), kind: err}
	}
	if t := v.Type(); t != canon.TypeInt && t != canon.TypeFloat || strings.TrimSpace(s) != s {
		return nil, &fault{what: "the json.Number " + strconv.Quote(s) + " is no number", kind: canon.ErrJSON}
	}
	return v, nil
}

// inside is the place of what a container at a place holds.
func (at place) inside() (place, *fault) {
	if at.depth >= canon.MaxDepth {
		return place{}, lossy(tooDeep)
	}
	return place{depth: at.depth + 1}, nil
}

func (w *walker) encodeArray(rv reflect.Value, at place) *fault {
	in, f := at.inside()
	if f != nil {
		return f
	}
	w.out = canon.AppendArray(w.out, rv.Len())
	for i := range rv.Len() {
		if f := w.encode(rv.Index(i), in); f != nil {
			return f.under(strconv.Itoa(i))
		}
	}
	return nil
}

func (w *walker) encodeStruct(rv reflect.Value, table *fieldTable, at place) *fault {
	in, f := at.inside()
	if f != nil {
		return f
	}
	start := len(w.out)
	w.out = canon.AppendMap(w.out, len(table.fields))
	header := len(w.out) - start
	n := 0
	for i := range table.fields {
		fd := &table.fields[i]
		value, ok := fieldValue(rv, fd.index)
		if !ok || fd.omitEmpty && isEmpty(value) || fd.omitZero && isZero(value) {
			continue
		}
		n++
		w.out = canon.AppendString(w.out, fd.name)
		in.quoted = fd.quoted
		if f := w.encode(value, in); f != nil {
			return f.under(fd.name)
		}
	}
	if n < len(table.fields) {
		w.out = append(canon.AppendMap(w.out[:start], n), w.out[start+header:]...) // a smaller count is no longer
	}
	w.spellBytes(start, n)
	return nil
}

// fieldValue is the field at an index path; ok is false where an embedded pointer on the way is nil.
func fieldValue(rv reflect.Value, index []int) (field reflect.Value, ok bool) {
	for _, i := range index {
		if rv.Kind() == reflect.Pointer {
			if rv.IsNil() {
				return reflect.Value{}, false
			}
			rv = rv.Elem()
		}
		rv = rv.Field(i)
	}
	return rv, true
}

// isEmpty is encoding/json's omitempty.
func isEmpty(rv reflect.Value) bool {
	switch rv.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return rv.Len() == 0
	case reflect.Struct:
		return false
	default:
		return rv.IsZero()
	}
}

// isZero is encoding/json's omitzero: the type's IsZero method, or the zero value.
func isZero(rv reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	t := rv.Type()
	switch {
	case t.Implements(reflect.TypeFor[zeroer]()):
		if k := rv.Kind(); k == reflect.Pointer && rv.IsNil() ||
			k == reflect.Interface && (rv.IsNil() || rv.Elem().Kind() == reflect.Pointer && rv.Elem().IsNil()) {
			return true
		}
		return rv.Interface().(zeroer).IsZero()
	case reflect.PointerTo(t).Implements(reflect.TypeFor[zeroer]()):
		if !rv.CanAddr() {
			boxed := reflect.New(t).Elem()
			boxed.Set(rv)
			rv = boxed
		}
		return rv.Addr().Interface().(zeroer).IsZero()
	}
	return rv.IsZero()
}

func (w *walker) encodeMap(rv reflect.Value, at place) *fault {
	type entry struct {
		key   string
		value reflect.Value
	}
	in, f := at.inside()
	if f != nil {
		return f
	}
	entries := make([]entry, 0, rv.Len())
	for m := rv.MapRange(); m.Next(); {
		key, f := keyText(m.Key())
		if f != nil {
			return f
		}
		entries = append(entries, entry{key, m.Value()})
	}
	order.Sort(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	start := len(w.out)
	w.out = canon.AppendMap(w.out, len(entries))
	for i, e := range entries {
		if i > 0 && e.key == entries[i-1].key {
			return lossy("two keys of " + rv.Type().String() + " with one text").under(e.key)
		}
		w.out = canon.AppendString(w.out, e.key)
		if f := w.encode(e.value, in); f != nil {
			return f.under(e.key)
		}
	}
	w.spellBytes(start, len(entries))
	return nil
}

// keyText is a map's key as text.
func keyText(key reflect.Value) (string, *fault) {
	var text string
	tm, own := key.Interface().(encoding.TextMarshaler)
	switch k := key.Kind(); {
	case k == reflect.String:
		text = key.String()
	case own && k == reflect.Pointer && key.IsNil():
	case own:
		b, err := tm.MarshalText()
		if err != nil {
			return "", &fault{what: key.Type().String() + ".MarshalText", kind: err}
		}
		text = string(b)
	case key.CanInt():
		return strconv.FormatInt(key.Int(), 10), nil
	case key.CanUint():
		return strconv.FormatUint(key.Uint(), 10), nil
	default:
		return "", &fault{what: "a map with keys of " + key.Type().String(), kind: ErrUnsupported}
	}
	if !utf8.ValidString(text) {
		return "", lossy("a key that is not valid UTF-8: " + strconv.Quote(text))
	}
	return text, nil
}

// spellBytes replaces the map of n entries at start by a bytes value if its JSON text is that of bytes, as FromJSON does.
func (w *walker) spellBytes(start, n int) {
	if n != 1 {
		return
	}
	text, ok := canon.Value(w.out[start:]).Get("$bytes")
	s, isString := text.AsString()
	if !ok || !isString {
		return
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err == nil && !strings.ContainsAny(s, "\r\n") { // which the decoder would ignore
		w.out = canon.AppendBytes(w.out[:start], b)
	}
}
