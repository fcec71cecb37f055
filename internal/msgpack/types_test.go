package msgpack

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The types below exercise the rules of encoding/json. None holds a []byte, so that encoding/json itself is their oracle.

type named string

type level int8

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level-%d", int8(l)), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level-%d", (*int8)(l))
	return err
}

type celsius struct{ degrees float64 }

func (c *celsius) MarshalJSON() ([]byte, error) { return json.Marshal([]float64{c.degrees}) }

func (c *celsius) UnmarshalJSON(text []byte) error {
	var one [1]float64
	err := json.Unmarshal(text, &one)
	c.degrees = one[0]
	return err
}

func (c *celsius) IsZero() bool { return c.degrees == 1 }

// seven is zero by its own word.
type seven int8

func (s seven) IsZero() bool { return s == 7 }

type zeroer interface{ IsZero() bool }

type scalars struct {
	Bool    bool
	Int     int
	Int8    int8 `json:"i8"`
	Int64   int64
	Uint16  uint16
	Uint64  uint64
	Float   float64
	Float32 float32
	Text    string
	Named   named `json:"näme,omitempty"`
	Number  json.Number
	hidden  int // never seen
	Out     int `json:"-"`
	Dash    int `json:"-,"`
	BadTag  int `json:"a\"b"`
}

type optional struct {
	Int    int            `json:",omitempty"`
	Ptr    *int           `json:",omitempty"`
	Slice  []int          `json:",omitempty"`
	Map    map[string]int `json:"map,omitempty"`
	Array  [0]int         `json:",omitempty"`
	Struct struct{}       `json:",omitempty"`
	Time   time.Time      `json:",omitzero"`
	Zero   scalars        `json:",omitzero"`
	Text   string         `json:",omitempty"`
	Iface  any            `json:",omitempty"`
	Seven  seven          `json:",omitzero"`
	Ptr7   *seven         `json:",omitzero"`
	Temp   celsius        `json:",omitzero"`
	Own    zeroer         `json:",omitzero"`
}

type quoted struct {
	Int    int64    `json:",string"`
	Ptr    *uint64  `json:",string"`
	Bool   bool     `json:",string"`
	Float  float64  `json:",string"`
	Text   string   `json:",string"`
	Level  level    `json:",string"`
	Slice  []string `json:",string"`
	Number json.Number
}

type base struct {
	ID    string
	Both  int
	Inner int `json:"inner"`
}

type other struct {
	Both  string
	Inner string
}

type deep struct{ base }

type twice1 struct{ Deepest }

type twice2 struct{ Deepest }

type Deepest struct{ Leaf int }

type Named struct{ X int }

type Extra struct {
	Lower string
	More  int
}

type shadowing struct {
	base
	*other
	deep
	twice1
	twice2
	Named `json:"named"`
	*Extra
	ID    int
	Lower int `json:"id"`
}

type collections struct {
	Slice  []int
	Deep   [][]named
	Array  [3]uint8
	Map    map[string]*scalars
	IntKey map[int16]bool
	OwnKey map[level]string
	Any    any
	Anys   []any
	Own    level
	OwnPtr *level
	Temps  []celsius
	Temp   celsius
	Mix    map[named][]level
	Raw    json.RawMessage
	Time   time.Time
	Loop   *collections
}

// samples is one pointer to a zero value of every type above.
func samples() []any {
	return []any{new(scalars), new(optional), new(quoted), new(shadowing), new(collections), new(any), new([]collections)}
}

// fill draws values for everything in rv that encoding/json would set, at most depth pointers deep.
func fill(t *rapid.T, rv reflect.Value, depth int) {
	switch x := rv.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 5).UTC()
		return
	case *json.Number:
		*x = json.Number(rapid.SampledFrom([]string{"", "0", "-1", "1.50", "1e3", "9007199254740991"}).Draw(t, "number"))
		return
	case *json.RawMessage:
		*x = json.RawMessage(rapid.SampledFrom([]string{`null`, `{"b":1,"a":[]}`, ` "x" `, `1.0`}).Draw(t, "raw"))
		return
	case *celsius:
		x.degrees = float64(rapid.IntRange(-3, 5).Draw(t, "degrees")) / 2
		return
	case *seven:
		*x = rapid.SampledFrom([]seven{0, 7, 8}).Draw(t, "seven")
		return
	case *zeroer:
		*x = rapid.SampledFrom([]zeroer{nil, seven(7), seven(8), (*seven)(nil), &celsius{1}, &celsius{2}}).Draw(t, "zeroer")
		return
	case *any:
		*x = anyTrees(2).Draw(t, "any")
		return
	}
	switch rv.Kind() {
	case reflect.Bool:
		rv.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		edge := int64(1)<<min(53, rv.Type().Bits()-1) - 1
		rv.SetInt(rapid.OneOf(rapid.Int64Range(-edge, edge), rapid.Int64Range(-2, 2)).Draw(t, "int"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		edge := uint64(1)<<min(53, rv.Type().Bits()) - 1
		rv.SetUint(rapid.OneOf(rapid.Uint64Range(0, edge), rapid.Uint64Range(0, 2)).Draw(t, "uint"))
	case reflect.Float32:
		rv.SetFloat(float64(rapid.Float32().Draw(t, "float32")))
	case reflect.Float64:
		rv.SetFloat(rapid.OneOf(rapid.Float64(), rapid.Map(rapid.IntRange(-3, 3), func(n int) float64 { return float64(n) })).Draw(t, "float64"))
	case reflect.String:
		rv.SetString(texts().Draw(t, "string"))
	default:
		fillContainer(t, rv, depth)
	}
}

func fillContainer(t *rapid.T, rv reflect.Value, depth int) {
	n := 0
	if depth > 0 {
		n = rapid.IntRange(0, 4).Draw(t, "size")
	}
	switch rv.Kind() {
	case reflect.Pointer:
		if n > 1 {
			rv.Set(reflect.New(rv.Type().Elem()))
			fill(t, rv.Elem(), depth-1)
		}
	case reflect.Slice:
		if n == 0 && rapid.Bool().Draw(t, "nil") {
			return
		}
		rv.Set(reflect.MakeSlice(rv.Type(), n, n))
		for i := range n {
			fill(t, rv.Index(i), depth-1)
		}
	case reflect.Array:
		for i := range rv.Len() {
			fill(t, rv.Index(i), depth-1)
		}
	case reflect.Map:
		if n == 0 && rapid.Bool().Draw(t, "nil") {
			return
		}
		rv.Set(reflect.MakeMap(rv.Type()))
		for range n {
			key, value := reflect.New(rv.Type().Key()).Elem(), reflect.New(rv.Type().Elem()).Elem()
			fill(t, key, depth-1)
			fill(t, value, depth-1)
			rv.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range rv.NumField() {
			if f := rv.Field(i); f.CanSet() || rv.Type().Field(i).Anonymous && f.Kind() == reflect.Struct {
				if f.CanSet() {
					fill(t, f, depth-1)
				} else {
					fillContainer(t, f, depth-1)
				}
			}
		}
	default:
		t.Fatalf("no way to fill %v", rv.Type())
	}
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "$bytes", "a", "ID", "id", "null", "12", "\ufffd", "😀<&>\u2028"}))
}

// anyTrees draws what an empty interface may hold, but for a map that stands for bytes: what it decodes to is tested by
// itself.
func anyTrees(depth int) *rapid.Generator[any] {
	all := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.IntRange(-300, 300).AsAny(), rapid.Float64().AsAny(),
		texts().AsAny(), rapid.Just[any](level(3)), rapid.Just[any](&celsius{1}), rapid.Just[any](json.Number("7.0")),
	}
	if depth > 0 {
		inner := anyTrees(depth - 1)
		all = append(all, rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(texts().Filter(notBytes), inner, 0, 3).AsAny(),
			rapid.Map(inner, func(x any) any { return &x }))
	}
	return rapid.OneOf(all...)
}

func notBytes(key string) bool { return key != "$bytes" }

// randomTypes draws struct types: every kind, every tag, nested.
func randomTypes(depth int) *rapid.Generator[reflect.Type] {
	leaves := []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint8](), reflect.TypeFor[uint64](),
		reflect.TypeFor[string](), reflect.TypeFor[named](), reflect.TypeFor[level](), reflect.TypeFor[float64](), reflect.TypeFor[float32](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[[]uint16](), reflect.TypeFor[json.Number](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[map[named]string](), reflect.TypeFor[map[string]bool](), reflect.TypeFor[map[int]string](), reflect.TypeFor[[2]byte](),
	}
	return rapid.Custom(func(t *rapid.T) reflect.Type {
		draw := func(label string) reflect.Type {
			if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nest") == 0 {
				return randomTypes(depth-1).Draw(t, label)
			}
			return rapid.SampledFrom(leaves).Draw(t, label)
		}
		switch rapid.IntRange(0, 6).Draw(t, "shape") {
		case 0:
			return reflect.PointerTo(draw("pointed"))
		case 1:
			return reflect.SliceOf(draw("element"))
		case 2:
			return reflect.MapOf(reflect.TypeFor[string](), draw("value"))
		}
		var fields []reflect.StructField
		for i := range rapid.IntRange(0, 20).Draw(t, "fields") {
			tag := rapid.SampledFrom([]string{"", "", "a", "Z", "é", fmt.Sprintf("f%d", i), "-", "-,", "$bytes", `q\"`}).Draw(t, "name") +
				rapid.SampledFrom([]string{"", "", "", ",omitempty", ",omitempty", ",string", ",omitzero", ",other"}).Draw(t, "option")
			if strings.Count(tag, ",") > 1 {
				tag = "-,"
			}
			fields = append(fields, reflect.StructField{
				Name: fmt.Sprintf("F%d", i), Type: draw("field"), Tag: reflect.StructTag(`json:"` + tag + `"`),
			})
		}
		return reflect.StructOf(fields)
	})
}

// cyclic is Go values that lead back to themselves, one for each kind of link.
func cyclic() map[string]any {
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = &node{Next: ring}
	list := []any{nil}
	list[0] = list
	table := map[string]any{}
	table["self"] = table
	var box any
	box = &box
	type ptr *ptr
	var p ptr
	p = &p
	return map[string]any{"struct": ring, "slice": list, "map": table, "interface": box, "pointer": p}
}

func lossyValues() map[string]any {
	return map[string]any{
		"int64":     map[string]any{"a": []any{int64(math.MaxInt64)}},
		"min int64": map[string]any{"a": []any{int64(math.MinInt64)}},
		"uint64":    map[string]any{"a": []uint64{1 << 53}},
		"plain":     map[string][]int64{"a": {1 << 53}},
		"NaN":       map[string]any{"a": []float64{math.NaN()}},
		"infinity":  map[string]any{"a": []float32{float32(math.Inf(-1))}},
		"text":      map[string][]string{"a": {"\xff"}},
		"any text":  map[string]any{"a": []any{"\xed\xa0\x80"}},
		"number":    map[string]any{"a": []json.Number{"9007199254740993"}},
		"own":       map[string]any{"a": []json.RawMessage{json.RawMessage(`{"x":1,"x":2}`)}},
	}
}

func mustFail(t *testing.T, name string, err, kind error, path string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), "at "+path+": ") {
		t.Errorf("%s: %v; want an error at %s that wraps %q", name, err, path, kind)
	}
}
