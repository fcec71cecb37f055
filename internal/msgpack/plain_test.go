//go:build !js

package msgpack

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

// TestBothPathsAgree: whatever go-msgpack encodes and canon accepts, the walk gives the same bytes for.
func TestBothPathsAgree(t *testing.T) {
	drawn, plain, taken := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		drawn++
		typ := randomTypes(2).Draw(t, "type")
		rv := reflect.New(typ)
		fill(t, rv.Elem(), 4)
		walked, err := walkFromGo(rv.Elem())
		if err != nil {
			t.Fatalf("the walk refuses %v: %v", typ, err)
		}
		if err := canon.Check(walked); err != nil {
			t.Fatalf("the walk wrote %x: %v", walked, err)
		}
		if !isPlain(typ) {
			return
		}
		plain++
		if fast, ok := encodePlain(rv.Elem().Interface()); ok {
			taken++
			if !bytes.Equal(fast, walked) {
				t.Fatalf("%v: go-msgpack wrote %s, the walk %s", typ, fast.AppendJSON(nil), walked.AppendJSON(nil))
			}
		}
	})
	// About half of the types are plain, of twenty as of ten thousand.
	if plain < drawn/20 || taken < plain/2 {
		t.Errorf("of %d types drawn only %d were plain, and of these values %d taken: the test proves nothing", drawn, plain, taken)
	}
}

// TestPlainIsWhatBothUnderstand lists types on which the two differ, or go-msgpack would crash.
func TestPlainIsWhatBothUnderstand(t *testing.T) {
	type tagged struct {
		A int `codec:"b"`
	}
	clash := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"x"`},
		{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"x"`},
	})
	type options struct {
		S struct{ X int } `json:",omitempty"`
	}
	type list struct{ Next *list }
	type bad struct {
		A int `json:"a\"b"`
	}
	type fine struct {
		A int               `json:"a,omitempty"`
		B []*string         `json:"b"`
		C map[named][]uint8 `json:"-,"`
		D []byte
		E func() `json:"-"`
	}
	for _, x := range []any{
		tagged{},
		reflect.Zero(clash).Interface(),
		options{},
		list{},
		bad{},
		shadowing{},
		quoted{},
		scalars{},
		collections{},
		1.5, float32(1),
		[2]byte{},
		any(nil),
		map[int]int{},
		map[level]int{},
		level(1), &celsius{},
		[]any{},
		make(chan int),
		struct{ T any }{},
	} {
		if x != nil && isPlain(reflect.TypeOf(x)) {
			t.Errorf("%T is taken for plain", x)
		}
	}
	for _, x := range []any{fine{}, &fine{}, []fine{}, map[string]fine{}, 1, uint8(1), "x", true, []byte{}, [][]byte{}} {
		if !isPlain(reflect.TypeOf(x)) {
			t.Errorf("%T is not taken for plain", x)
		}
	}
}

type task struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Done     bool              `json:"done"`
	Tags     []string          `json:"tags"`
	Priority int               `json:"priority"`
	Created  int64             `json:"created"`
	Author   author            `json:"author"`
	Note     *string           `json:"note"`
	Labels   map[string]string `json:"labels,omitempty"`
	Body     string            `json:"body"`
}

type author struct {
	Name   string `json:"name"`
	Device string `json:"device"`
}

func sampleTask() task {
	return task{
		ID: "01HZX3V9QK5W", Title: "Buy oat milk", Tags: []string{"home", "errand"}, Priority: 2, Created: 1717171717171,
		Author: author{"Ada", "laptop"}, Labels: map[string]string{"b": "2", "a": "1"}, Body: "Two litres, the one in the blue carton.",
	}
}

func BenchmarkFromGoByGoMsgpack(b *testing.B) {
	x := sampleTask()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := encodePlain(&x); !ok {
			b.Fatal("not taken")
		}
	}
}

func BenchmarkFromGoByWalk(b *testing.B) {
	x := sampleTask()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := walkFromGo(reflect.ValueOf(&x)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromGoByEncodingJSON(b *testing.B) {
	x := sampleTask()
	b.ReportAllocs()
	for b.Loop() {
		byEncodingJSON(b, &x)
	}
}

func BenchmarkToGo(b *testing.B) {
	v, err := FromGo(sampleTask())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var x task
		if err := ToGo(v, &x); err != nil {
			b.Fatal(err)
		}
	}
}
