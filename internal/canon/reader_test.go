package canon_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/canon"
)

// readers is every way to read an item, by the type it wants.
func readers() map[canon.Type]func(*canon.Reader) error {
	return map[canon.Type]func(*canon.Reader) error{
		canon.TypeNull:   func(r *canon.Reader) error { return r.Nil() },
		canon.TypeBool:   func(r *canon.Reader) error { _, err := r.Bool(); return err },
		canon.TypeInt:    func(r *canon.Reader) error { _, err := r.Int(); return err },
		canon.TypeFloat:  func(r *canon.Reader) error { _, err := r.Float(); return err },
		canon.TypeString: func(r *canon.Reader) error { _, err := r.String(); return err },
		canon.TypeBytes:  func(r *canon.Reader) error { _, err := r.Bytes(); return err },
		canon.TypeArray:  func(r *canon.Reader) error { _, err := r.Array(); return err },
		canon.TypeMap:    func(r *canon.Reader) error { _, err := r.Map(); return err },
	}
}

func TestReaderTakesOnlyTheTypeAskedFor(t *testing.T) {
	items := map[canon.Type][]byte{
		canon.TypeNull:   canon.AppendNil(nil),
		canon.TypeBool:   canon.AppendBool(nil, true),
		canon.TypeInt:    canon.AppendInt(nil, -7),
		canon.TypeFloat:  canon.AppendFloat(nil, 1),
		canon.TypeString: canon.AppendString(nil, "x"),
		canon.TypeBytes:  canon.AppendBytes(nil, []byte{1}),
		canon.TypeArray:  canon.AppendArray(nil, 0),
		canon.TypeMap:    canon.AppendMap(nil, 0),
	}
	for found, item := range items {
		for wanted, read := range readers() {
			r := canon.NewReader(item)
			if r.Peek() != found {
				t.Errorf("Peek of %x is %v; want %v", item, r.Peek(), found)
			}
			err := read(&r)
			if found == wanted && (err != nil || r.End() != nil || r.Offset() != len(item)) {
				t.Errorf("reading %v from %x: %v", wanted, item, err)
			}
			if found != wanted && (!errors.Is(err, canon.ErrMalformed) || !strings.Contains(err.Error(), found.String())) {
				t.Errorf("reading %v from %x: %v; want ErrMalformed that names %v", wanted, item, err, found)
			}
		}
	}
}

func TestReaderRefusesInEveryMethodWhatCheckRefuses(t *testing.T) {
	for _, c := range loadVectors(t).RefusedHex {
		item := unhex(t, c.Hex)
		asValue := canon.NewReader(item)
		_, err := asValue.Value()
		if err == nil {
			err = asValue.End()
		}
		if !errors.Is(err, canon.ErrMalformed) {
			t.Errorf("Value then End of %s: %v; want it refused: %s", c.Hex, err, c.Why)
		}
		asStructure := canon.NewReader(item)
		read := readers()[asStructure.Peek()]
		if asStructure.Skip() == nil || asStructure.Peek() != canon.TypeInvalid {
			continue // structure may be what a value may not
		}
		if typed := canon.NewReader(item); read != nil && read(&typed) == nil && typed.Len() == 0 {
			t.Errorf("%s is refused by Skip and read by its own method: %s", c.Hex, c.Why)
		}
	}
}

func TestReaderIsSticky(t *testing.T) {
	r := canon.NewReader([]byte{0x01, 0xc1, 0x02})
	if n, err := r.Int(); n != 1 || err != nil {
		t.Fatalf("Int = %d, %v", n, err)
	}
	first := r.Skip()
	if first == nil || !strings.Contains(first.Error(), "at byte 1") {
		t.Fatalf("Skip over 0xc1: %v; want an error at byte 1", first)
	}
	for wanted, read := range readers() {
		if err := read(&r); err != first {
			t.Errorf("reading %v after the error: %v; want the first error", wanted, err)
		}
	}
	if _, err := r.Value(); err != first {
		t.Errorf("Value after the error: %v", err)
	}
	if r.Peek() != canon.TypeInvalid || r.End() != first || r.Len() != 2 {
		t.Errorf("after the error: Peek %v, End %v, Len %d", r.Peek(), r.End(), r.Len())
	}
}

func TestIntegerRanges(t *testing.T) {
	big := canon.NewReader(canon.AppendUint(nil, math.MaxInt64+1))
	if _, err := big.Int(); !errors.Is(err, canon.ErrMalformed) {
		t.Errorf("Int of 2^63: %v; want it refused", err)
	}
	negative := canon.NewReader(canon.AppendInt(nil, -1))
	if _, err := negative.Uint(); !errors.Is(err, canon.ErrMalformed) {
		t.Errorf("Uint of -1: %v; want it refused", err)
	}
	nan := canon.NewReader(canon.AppendFloat(nil, math.NaN()))
	if _, err := nan.Float(); !errors.Is(err, canon.ErrMalformed) {
		t.Errorf("Float of NaN: %v; want it refused", err)
	}
}

func TestBytes32(t *testing.T) {
	for _, n := range []int{0, 31, 32, 33} {
		content := bytes.Repeat([]byte{7}, n)
		r := canon.NewReader(canon.AppendBytes(nil, content))
		got, err := r.Bytes32()
		if n == 32 && (err != nil || !bytes.Equal(got[:], content)) {
			t.Errorf("Bytes32 = %x, %v", got, err)
		}
		if n != 32 && !errors.Is(err, canon.ErrMalformed) {
			t.Errorf("Bytes32 of %d bytes: %v; want it refused", n, err)
		}
	}
}

// TestCountsAreBelievedOnlyIfTheyFit: a header of nine bytes must not make anybody allocate for four billion items.
func TestCountsAreBelievedOnlyIfTheyFit(t *testing.T) {
	for _, header := range [][]byte{canon.AppendArray(nil, math.MaxUint32), canon.AppendMap(nil, math.MaxUint32)} {
		padded := append(header, make([]byte, 1000)...)
		r := canon.NewReader(padded)
		if err := readers()[r.Peek()](&r); !errors.Is(err, canon.ErrMalformed) {
			t.Errorf("a count of 2^32-1 over 1000 bytes: %v; want it refused", err)
		}
	}
	r := canon.NewReader(append(canon.AppendMap(nil, 600), make([]byte, 1000)...))
	if _, err := r.Map(); !errors.Is(err, canon.ErrMalformed) {
		t.Errorf("600 entries over 1000 bytes: %v; want it refused", err)
	}
	r = canon.NewReader(append(canon.AppendMap(nil, 500), make([]byte, 1000)...))
	if n, err := r.Map(); n != 500 || err != nil {
		t.Errorf("500 entries over 1000 bytes: %d, %v", n, err)
	}
}

// TestLongForms covers the headers that the golden file is too small for.
func TestLongForms(t *testing.T) {
	for _, n := range []int{255, 256, 65535, 65536, 70000} {
		text := canon.AppendString(nil, strings.Repeat("x", n))
		blob := canon.AppendBytes(nil, make([]byte, n))
		array := append(canon.AppendArray(nil, n), make([]byte, n)...)
		for _, item := range [][]byte{text, blob, array} {
			if err := canon.Check(item); err != nil {
				t.Errorf("%d long: %v", n, err)
			}
			if back := mustJSON(t, string(canon.Value(item).AppendJSON(nil))); !bytes.Equal(back, item) {
				t.Errorf("%d long: does not survive JSON", n)
			}
		}
		escaped := mustJSON(t, `"\u0078`+strings.Repeat("x", n-1)+`"`)
		if !bytes.Equal(escaped, text) {
			t.Errorf("%d long: an escape changes the bytes", n)
		}
	}
	var entries []canon.Entry
	var text strings.Builder
	for i := range 70000 {
		key := string([]rune{rune(0x10000 + i)})
		entries = append(entries, canon.Entry{Key: key, Value: canon.Bool(true)})
		text.WriteString(`,"` + key + `":true`)
	}
	v, err := canon.NewMap(entries)
	if err != nil {
		t.Fatal(err)
	}
	if back := mustJSON(t, "{"+text.String()[1:]+"}"); !bytes.Equal(back, v) {
		t.Error("a map of 70000 entries does not survive JSON")
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	item := document(t)
	for name, read := range map[string]func(){
		"Check": func() { _ = canon.Check(item) },
		"Value": func() { r := canon.NewReader(item); _, _ = r.Value() },
		"Raw":   func() { r := canon.NewReader(item); _, _ = r.Raw() },
		"Get":   func() { _, _ = item.Get("title") },
	} {
		if n := testing.AllocsPerRun(100, read); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	room := make([]byte, 0, 2*len(item))
	if n := testing.AllocsPerRun(100, func() { item.AppendJSON(room[:0]) }); n != 0 {
		t.Errorf("AppendJSON allocates %v times where there is room", n)
	}
}
