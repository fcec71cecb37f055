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

func mustValue(t testing.TB, text string) canon.Value {
	t.Helper()
	v, err := canon.FromJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same compares what two decoders left, with the numbers in empty interfaces compared by value, whatever their Go type.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || reflect.DeepEqual(plainNumbers(a), plainNumbers(b))
}

func plainNumbers(x any) any {
	text, err := json.Marshal(x)
	if err != nil {
		return err.Error()
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		return err.Error()
	}
	return out
}

func TestToGoFollowsEncodingJSON(t *testing.T) {
	for i, sample := range samples() {
		t.Run(reflect.TypeOf(sample).Elem().String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x := samples()[i]
				fill(t, reflect.ValueOf(x).Elem(), 3)
				v := byEncodingJSON(t, x)
				want, got := samples()[i], samples()[i]
				wantErr := json.Unmarshal(v.AppendJSON(nil), want)
				if err := ToGo(v, got); (err == nil) != (wantErr == nil) || err == nil && !same(got, want) {
					t.Fatalf("ToGo of %s gives %#v, %v; want %#v, %v", v.AppendJSON(nil), got, err, want, wantErr)
				}
			})
		})
	}
}

// TestRoundTrip: what has no omitted fields and no interfaces comes back as it was.
func TestRoundTrip(t *testing.T) {
	type all struct {
		B   []byte
		Bs  [][]byte
		M   map[string][]byte
		S   []string
		P   *int32
		N   map[int8][]uint64
		F   []float32
		G   float64
		T   [2]bool
		Own map[level]*celsius
		V   canon.Value
	}
	rapid.Check(t, func(t *rapid.T) {
		var x, back all
		fill(t, reflect.ValueOf(&x).Elem(), 4)
		x.V = byEncodingJSON(t, x.S)
		v, err := FromGo(&x)
		if err != nil {
			t.Fatal(err)
		}
		if err := ToGo(v, &back); err != nil {
			t.Fatalf("ToGo of %s: %v", v.AppendJSON(nil), err)
		}
		if !reflect.DeepEqual(x, back) {
			t.Fatalf("back came %#v; want %#v", back, x)
		}
	})
}

func TestToGoIntoAny(t *testing.T) {
	v := mustValue(t, `{"a":[null,true,1,-1,0.5,1e300,"x",{"$bytes":"AP8="},{"$bytes":""},[],{}],"b":9007199254740991}`)
	want := map[string]any{
		"a": []any{nil, true, int64(1), int64(-1), 0.5, 1e300, "x", []byte{0, 255}, []byte{}, []any{}, map[string]any{}},
		"b": int64(9007199254740991),
	}
	var got any
	if err := ToGo(v, &got); err != nil || !reflect.DeepEqual(got, any(want)) {
		t.Errorf("ToGo = %#v, %v; want %#v", got, err, want)
	}
	var table map[string]any
	if err := ToGo(v, &table); err != nil || !reflect.DeepEqual(table, want) {
		t.Errorf("ToGo = %#v, %v; want %#v", table, err, want)
	}
}

func TestToGoRefusesWhatDoesNotFit(t *testing.T) {
	type inner struct{ A, B any }
	var unexported struct{ *other }
	for _, c := range []struct {
		value, path string
		dst         any
	}{
		{`{"a":[128]}`, "/a/0", new(map[string][]int8)},
		{`{"a":[-1]}`, "/a/0", new(map[string][]uint64)},
		{`[65536]`, "/0", new([1]uint16)},
		{`0.5`, "the top", new(int)},
		{`9007199254740992`, "the top", new(int64)},
		{`1e39`, "the top", new(float32)},
		{`1`, "the top", new(string)},
		{`1`, "the top", new(bool)},
		{`true`, "the top", new(int)},
		{`"1"`, "the top", new(int)},
		{`"AP8="`, "the top", new([]byte)},
		{`{"$bytes":"AP8="}`, "the top", new(string)},
		{`{"$bytes":"AP8="}`, "the top", new([2]byte)},
		{`{"$bytes":"AP8="}`, "the top", new(map[string]string)},
		{`{"$bytes":"AP8="}`, "the top", new(level)},
		{`{"a/b":[{}]}`, "/a~1b/0", new(map[string][][]int)},
		{`[]`, "the top", new(map[string]int)},
		{`[]`, "the top", new(inner)},
		{`{}`, "the top", new([]int)},
		{`{"x":1}`, "/x", new(map[int]int)},
		{`{"300":1}`, "/300", new(map[uint8]int)},
		{`{"x":1}`, "/x", new(map[float64]int)},
		{`"x"`, "the top", new(json.Number)},
		{`1`, "the top", new(error)},
		{`{"Both":"x"}`, "/Both", &unexported},
		{`{"Int":1}`, "/Int", new(quoted)},
		{`{"Int":"9223372036854775808"}`, "/Int", new(quoted)},
		{`{"Ptr":"-1"}`, "/Ptr", new(quoted)},
		{`{"Bool":"[]"}`, "/Bool", new(quoted)},
		{`{"Text":"x"}`, "/Text", new(quoted)},
		{`{"Text":"1"}`, "/Text", new(quoted)},
	} {
		mustFail(t, c.value+" into "+reflect.TypeOf(c.dst).Elem().String(), ToGo(mustValue(t, c.value), c.dst), ErrMismatch, c.path)
	}
	for _, dst := range []any{nil, 1, (*int)(nil), map[string]int{}} {
		mustFail(t, "no pointer", ToGo(mustValue(t, `1`), dst), ErrMismatch, "the top")
	}
}

func TestToGoRefusesBytesThatAreNoValue(t *testing.T) {
	for _, v := range []canon.Value{nil, {}, {0xc1}, {0xc0, 0xc0}, {0x92, 0x01}, {0x81, 0xa1}, {0xcc, 0x01}} {
		for _, dst := range []any{new(any), new([]int), new(map[string]int), new(int), new(inside), new(json.RawMessage), new(canon.Value)} {
			if err := ToGo(v, dst); err == nil {
				t.Errorf("ToGo of %x into %T succeeds", v, dst)
			}
		}
	}
}

type inside struct{ A int }

func TestToGoFillsIn(t *testing.T) {
	one := 1
	type filled struct {
		Kept  string
		Ptr   *int
		Slice []map[string]int
		Map   map[string]int
		Array [3]int
		Any   any
		Raw   json.RawMessage
	}
	got := filled{
		Kept: "kept", Ptr: &one, Slice: []map[string]int{{"old": 1}}, Map: map[string]int{"old": 1}, Array: [3]int{7, 8, 9}, Any: &one,
	}
	v := mustValue(t, `{"Any":5,"Array":[1,2],"Map":{"new":2},"Raw":{"b": [1.0], "a":{"$bytes":""}},"Slice":[{"new":2}],"kept":null,"unknown":[{}]}`)
	if err := ToGo(v, &got); err != nil {
		t.Fatal(err)
	}
	want := filled{
		Kept: "kept", Ptr: &one, Slice: []map[string]int{{"new": 2}}, Map: map[string]int{"old": 1, "new": 2}, Array: [3]int{1, 2, 0},
		Any: &one, Raw: json.RawMessage(`{"a":{"$bytes":""},"b":[1]}`),
	}
	if !reflect.DeepEqual(got, want) || one != 5 {
		t.Errorf("ToGo gives %+v; want %+v", got, want)
	}
	if err := ToGo(mustValue(t, `{"Any":null,"Map":null,"Ptr":null,"Slice":null}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Any != nil || got.Map != nil || got.Ptr != nil || got.Slice != nil || got.Kept != "kept" {
		t.Errorf("null left %+v", got)
	}
}

func TestToGoPrefersTheExactName(t *testing.T) {
	var x struct {
		Upper int `json:"NAME"`
		Lower int `json:"name"`
	}
	if err := ToGo(mustValue(t, `{"NAME":1,"Name":2,"name":3}`), &x); err != nil || x.Upper != 2 || x.Lower != 3 {
		t.Errorf("ToGo gives %+v, %v; want 2 and 3", x, err)
	}
}

func TestNothingDecodedAliasesTheValue(t *testing.T) {
	v := mustValue(t, `{"B":{"$bytes":"AQID"},"N":{"$bytes":"AQID"},"S":"text","V":["text"]}`)
	var x struct {
		B []byte
		N any
		S string
		V canon.Value
	}
	if err := ToGo(v, &x); err != nil {
		t.Fatal(err)
	}
	again := bytes.Clone(v)
	for _, b := range [][]byte{x.B, x.N.([]byte), x.V} {
		clear(b)
	}
	if !bytes.Equal(v, again) || x.S != "text" {
		t.Error("changing what was decoded changes the Value")
	}
}

func TestToGoSurvivesCycles(t *testing.T) {
	var box any
	box = &box
	if err := ToGo(mustValue(t, `1`), box); err != nil || box != int64(1) {
		t.Errorf("into an interface that holds its own address: %v, %v", box, err)
	}
}

func TestToGoReportsMethodsThatFail(t *testing.T) {
	mustFail(t, "UnmarshalText", ToGo(mustValue(t, `["x"]`), new([]refusing)), errOwn, "/0")
	mustFail(t, "key", ToGo(mustValue(t, `{"x":1}`), new(map[refusing]int)), errOwn, "/x")
	mustFail(t, "UnmarshalJSON", ToGo(mustValue(t, `[1]`), new([]refusingJSON)), errOwn, "/0")
}

type refusing struct{}

func (*refusing) UnmarshalText([]byte) error { return errOwn }

type refusingJSON struct{}

func (*refusingJSON) UnmarshalJSON([]byte) error { return errOwn }

// FuzzToGo: into each of the sample types, a JSON text decodes as encoding/json decodes it, or fails with it.
func FuzzToGo(f *testing.F) {
	for _, text := range []string{
		`{"Int":1,"i8":-128,"Text":"x","näme":"y","Number":1.5,"-":3}`, `{"Int":"1","Ptr":"null","Bool":"true","Text":"\"x\"","Level":"level-1"}`,
		`{"ID":1,"id":2,"Inner":"x","both":1,"named":{"X":1}}`, `{"Slice":[1,2],"Map":{"a":{}},"IntKey":{"1":true},"OwnKey":{"level-2":"x"}}`,
		`{"Temp":[1.5],"Raw":[1, 2],"Time":"2024-05-05T05:05:05Z","Loop":{"Loop":{"Array":[1,2,3,4]}}}`, `[{"Any":[1]},null]`, `1e20`,
		`{"oWnPtr":"level-3","Own":null,"own":"level-5"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := canon.FromJSON(text)
		if err != nil || bytes.Contains(text, []byte("bytes")) || hasWideNumber(v) {
			return // outside of what encoding/json can say about it
		}
		for i := range samples() {
			want, got := samples()[i], samples()[i]
			wantErr := json.Unmarshal(v.AppendJSON(nil), want)
			if err := ToGo(v, got); (err == nil) != (wantErr == nil) {
				t.Fatalf("ToGo of %s into %T: %v; encoding/json: %v", v.AppendJSON(nil), got, err, wantErr)
			} else if err == nil && !same(got, want) {
				t.Fatalf("ToGo of %s gives %#v; want %#v", v.AppendJSON(nil), got, want)
			}
		}
	})
}

// hasWideNumber says whether a value holds an integer as a float, which encoding/json takes for integers of 64 bits.
func hasWideNumber(v canon.Value) bool {
	if f, ok := v.AsFloat(); ok {
		return v.Type() == canon.TypeFloat && f == math.Trunc(f)
	}
	for e := range v.Elements() {
		if hasWideNumber(e) {
			return true
		}
	}
	for _, e := range v.Entries() {
		if hasWideNumber(e) {
			return true
		}
	}
	return false
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	err := ToGo(mustValue(t, `{"tasks":[{"done":"yes"}]}`), new(struct{ Tasks []struct{ Done bool } }))
	want := "msgpack: at /tasks/0/done: found a string for bool: value does not fit the Go type"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %q; want %q", err, want)
	}
	_, err = FromGo(map[string]any{"id": int64(1) << 60})
	if err == nil || !strings.Contains(err.Error(), "at /id: the integer 1152921504606846976 is beyond 2^53-1") || !errors.Is(err, canon.ErrValue) {
		t.Errorf("the error is %q", err)
	}
}
