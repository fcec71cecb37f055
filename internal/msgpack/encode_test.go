package msgpack

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

// byEncodingJSON is what the rules say: the canonical Value of the text that encoding/json writes.
func byEncodingJSON(t interface{ Fatalf(string, ...any) }, x any) canon.Value {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		t.Fatalf("encoding/json refuses %#v: %v", x, err)
	}
	v, err := canon.FromJSON(text.Bytes())
	if err != nil {
		t.Fatalf("canon refuses %s: %v", text.Bytes(), err)
	}
	return v
}

func TestFromGoFollowsEncodingJSON(t *testing.T) {
	for i, sample := range samples() {
		t.Run(reflect.TypeOf(sample).Elem().String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x := samples()[i]
				fill(t, reflect.ValueOf(x).Elem(), 3)
				for _, x := range []any{x, reflect.ValueOf(x).Elem().Interface()} { // methods on pointers need an address
					want := byEncodingJSON(t, x)
					got, err := FromGo(x)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("FromGo = %s, %v; want %s", got.AppendJSON(nil), err, want.AppendJSON(nil))
					}
				}
			})
		})
	}
}

func TestBytesAreBytes(t *testing.T) {
	type octet byte
	type blob []byte
	null := canon.Null()
	for _, c := range []struct {
		x    any
		want string
	}{
		{[]byte{0, 255}, `{"$bytes":"AP8="}`},
		{[]byte{}, `{"$bytes":""}`},
		{[]byte(nil), `null`},
		{blob{1}, `{"$bytes":"AQ=="}`},
		{[]octet{1}, `{"$bytes":"AQ=="}`},
		{[2]byte{1, 2}, `[1,2]`},
		{map[string][]byte{"b": {1}}, `{"b":{"$bytes":"AQ=="}}`},
		{map[string]string{"$bytes": "AQ=="}, `{"$bytes":"AQ=="}`},
		{struct {
			B string `json:"$bytes"`
		}{"AQ=="}, `{"$bytes":"AQ=="}`},
		{map[string]string{"$bytes": "A\nQ=="}, `{"$bytes":"A\nQ=="}`},
		{map[string]string{"$bytes": "AR=="}, `{"$bytes":"AR=="}`},
		{map[string]int{"$bytes": 1}, `{"$bytes":1}`},
		{null, `null`},
		{struct{ V, None canon.Value }{V: canon.Bool(true)}, `{"None":null,"V":true}`},
	} {
		want, err := canon.FromJSON([]byte(c.want))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := FromGo(c.x); err != nil || !bytes.Equal(got, want) {
			t.Errorf("FromGo(%#v) = %s, %v; want %s", c.x, got.AppendJSON(nil), err, c.want)
		}
	}
}

func TestFromGoRefusesLoss(t *testing.T) {
	for name, x := range lossyValues() {
		_, err := FromGo(x)
		mustFail(t, name, err, canon.ErrValue, "/a/0")
	}
	type key struct{ *level }
	one, same := level(1), level(1)
	_, err := FromGo(map[key]int{{&one}: 1, {&same}: 2})
	mustFail(t, "two keys with one text", err, canon.ErrValue, "/level-1")
	_, err = FromGo(map[string]int{"\xff": 1})
	mustFail(t, "invalid key", err, canon.ErrValue, "the top")
	_, err = FromGo(struct {
		N json.Number `json:"n~/"`
	}{" 1"})
	mustFail(t, "space in a number", err, canon.ErrJSON, "/n~0~1")
}

func TestWideIntegersSurviveAsText(t *testing.T) {
	type wide struct {
		I int64  `json:",string"`
		U uint64 `json:",string"`
	}
	x := wide{I: math.MinInt64, U: math.MaxUint64}
	v, err := FromGo(x)
	if err != nil {
		t.Fatal(err)
	}
	var back wide
	if err := ToGo(v, &back); err != nil || back != x {
		t.Errorf("back came %+v, %v; want %+v", back, err, x)
	}
}

func TestFromGoRefusesTypesWithoutValue(t *testing.T) {
	for name, x := range map[string]any{
		"channel":    []any{make(chan int)},
		"function":   []func(){func() {}},
		"complex":    []complex128{1i},
		"float keys": []map[float64]int{{1: 1}},
	} {
		_, err := FromGo(x)
		mustFail(t, name, err, ErrUnsupported, "/0")
	}
}

type failing struct{}

var errOwn = errors.New("own error")

func (failing) MarshalJSON() ([]byte, error) { return nil, errOwn }

type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { return []byte("{"), nil }

type badText struct{}

func (badText) MarshalText() ([]byte, error) { return []byte("\xff"), nil }

type failingText struct{}

func (failingText) MarshalText() ([]byte, error) { return nil, errOwn }

func TestFromGoReportsMethodsThatFail(t *testing.T) {
	for _, c := range []struct {
		x    any
		kind error
		path string
	}{
		{[]failing{{}}, errOwn, "/0"},
		{[]failingText{{}}, errOwn, "/0"},
		{map[failingText]int{{}: 1}, errOwn, "the top"},
		{[]badJSON{{}}, canon.ErrJSON, "/0"},
		{[]badText{{}}, canon.ErrValue, "/0"},
		{map[badText]int{{}: 1}, canon.ErrValue, "the top"},
		{[]canon.Value{{0xc1}}, canon.ErrMalformed, "/0"},
	} {
		_, err := FromGo(c.x)
		mustFail(t, reflect.TypeOf(c.x).String(), err, c.kind, c.path)
	}
}

func TestCyclesAreErrors(t *testing.T) {
	for name, x := range cyclic() {
		if v, err := FromGo(x); !errors.Is(err, canon.ErrValue) {
			t.Errorf("a cycle by %s: %x, %v; want canon.ErrValue", name, v, err)
		}
	}
}

func TestDepthIsThatOfCanon(t *testing.T) {
	nest := func(x any, n int) any {
		for range n {
			x = []any{x}
		}
		return x
	}
	raw := json.RawMessage(strings.Repeat("[", 10) + strings.Repeat("]", 10))
	for _, c := range []struct {
		x  any
		ok bool
	}{
		{nest(1, canon.MaxDepth), true},
		{nest([]byte{1}, canon.MaxDepth), true},
		{nest(1, canon.MaxDepth+1), false},
		{nest(map[string]int{}, canon.MaxDepth), false},
		{nest(struct{}{}, canon.MaxDepth), false},
		{nest(raw, canon.MaxDepth-10), true},
		{nest(raw, canon.MaxDepth-9), false},
	} {
		v, err := FromGo(c.x)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, canon.ErrValue) {
			t.Errorf("FromGo(%v): %v; want success %v", c.x, err, c.ok)
		}
		if err == nil && canon.Check(v) != nil {
			t.Errorf("FromGo(%v) is not canonical: %v", c.x, canon.Check(v))
		}
	}
}
