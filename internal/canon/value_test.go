package canon_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/internal/canon"
)

func TestConstructorsRefuseWhatNoValueHolds(t *testing.T) {
	refused := func(name string, err error, kind error) {
		t.Helper()
		if !errors.Is(err, kind) {
			t.Errorf("%s: %v; want %v", name, err, kind)
		}
	}
	_, err := canon.Int(canon.MaxInteger + 1)
	refused("Int(2^53)", err, canon.ErrValue)
	_, err = canon.Int(math.MinInt64)
	refused("Int(-2^63)", err, canon.ErrValue)
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err = canon.Float(f)
		refused("Float not finite", err, canon.ErrValue)
	}
	_, err = canon.String("\xff")
	refused("String invalid", err, canon.ErrValue)
	null := canon.Null()
	_, err = canon.NewMap([]canon.Entry{{Key: "b", Value: null}, {Key: "a", Value: null}, {Key: "b", Value: null}})
	refused("NewMap key twice", err, canon.ErrValue)
	_, err = canon.NewMap([]canon.Entry{{Key: "\xff", Value: null}})
	refused("NewMap invalid key", err, canon.ErrValue)
	_, err = canon.NewMap([]canon.Entry{{Key: "$bytes", Value: mustJSON(t, `"AAAA"`)}})
	refused("NewMap spelling bytes", err, canon.ErrMalformed)
	_, err = canon.NewMap([]canon.Entry{{Key: "a"}, {Key: "b", Value: null}})
	refused("NewMap of the zero Value", err, canon.ErrMalformed)
	_, err = canon.NewArray([]canon.Value{nil, null})
	refused("NewArray of the zero Value", err, canon.ErrMalformed)
	_, err = canon.NewArray([]canon.Value{{0xc0, 0xc0}})
	refused("NewArray of two items", err, canon.ErrMalformed)
	v := null
	for range canon.MaxDepth {
		if v, err = canon.NewArray([]canon.Value{v}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = canon.NewArray([]canon.Value{v})
	refused("NewArray too deep", err, canon.ErrMalformed)
	_, err = canon.NewMap([]canon.Entry{{Key: "a", Value: v}})
	refused("NewMap too deep", err, canon.ErrMalformed)
}

func TestNewMapLeavesItsArgumentAlone(t *testing.T) {
	entries := []canon.Entry{{Key: "b", Value: canon.Null()}, {Key: "a", Value: canon.Bool(true)}}
	v, err := canon.NewMap(entries)
	if err != nil || string(v.AppendJSON(nil)) != `{"a":true,"b":null}` {
		t.Fatalf("NewMap = %s, %v", v.AppendJSON(nil), err)
	}
	if entries[0].Key != "b" {
		t.Error("NewMap sorted the caller's slice")
	}
}

func TestAccessorsSayNoToOtherTypes(t *testing.T) {
	for _, text := range []string{`null`, `true`, `1`, `0.5`, `"x"`, `{"$bytes":"AA=="}`, `[1]`, `{"a":1}`} {
		v := mustJSON(t, text)
		_, isBool := v.AsBool()
		_, isInt := v.AsInt()
		_, isFloat := v.AsFloat()
		_, isString := v.AsString()
		_, isBytes := v.AsBytes()
		got := []bool{isBool, isInt, isFloat, isString, isBytes}
		typ := v.Type()
		want := []bool{
			typ == canon.TypeBool, typ == canon.TypeInt, typ == canon.TypeInt || typ == canon.TypeFloat,
			typ == canon.TypeString, typ == canon.TypeBytes,
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: bool, int, float, string, bytes = %v; want %v", text, got, want)
		}
		if container := typ == canon.TypeArray || typ == canon.TypeMap; (v.Len() == 1) != container {
			t.Errorf("%s: Len = %d", text, v.Len())
		}
	}
}

func TestLookup(t *testing.T) {
	v := mustJSON(t, `{"a":{"b":[1],"c":null},"d":2}`)
	for _, c := range []struct {
		path []string
		want string
	}{
		{nil, `{"a":{"b":[1],"c":null},"d":2}`},
		{[]string{"a"}, `{"b":[1],"c":null}`},
		{[]string{"a", "b"}, `[1]`},
		{[]string{"a", "c"}, `null`},
		{[]string{"d"}, `2`},
		{[]string{"b"}, ``},
		{[]string{"e"}, ``},
		{[]string{"d", "a"}, ``},
		{[]string{"a", "b", "0"}, ``},
	} {
		got, ok := v.Lookup(c.path...)
		if ok != (c.want != "") || ok && string(got.AppendJSON(nil)) != c.want {
			t.Errorf("Lookup(%q) = %x, %v; want %s", c.path, got, ok, c.want)
		}
	}
	if _, ok := canon.Value(nil).Lookup(); ok {
		t.Error("Lookup finds something in the zero Value")
	}
}

func TestWalkingMayStopEarly(t *testing.T) {
	for key := range mustJSON(t, `{"a":1,"b":2}`).Entries() {
		if key != "a" {
			t.Fatalf("the first key is %q", key)
		}
		break
	}
	for e := range mustJSON(t, `[1,2]`).Elements() {
		if n, _ := e.AsInt(); n != 1 {
			t.Fatalf("the first element is %d", n)
		}
		break
	}
}

func TestResultsDoNotShareRoomToGrow(t *testing.T) {
	b := append(canon.AppendString(nil, "x"), canon.AppendInt(nil, 5)...)
	r := canon.NewReader(b)
	v, err := r.Value()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(v, 0xff)
	if n, err := r.Int(); n != 5 || err != nil {
		t.Errorf("appending to a Value overwrote what follows it: %d, %v", n, err)
	}
	if parsed := mustJSON(t, ` [ 1 , 2 ] `); cap(parsed) != len(parsed) {
		t.Errorf("FromJSON left room behind a Value: len %d, cap %d", len(parsed), cap(parsed))
	}
}
