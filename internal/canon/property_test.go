package canon_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

func TestEveryBuiltValueIsCanonicalAndSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := build(t, trees(3).Draw(t, "tree"))
		if err := canon.Check(v); err != nil {
			t.Fatalf("Check(%x): %v", v, err)
		}
		text := v.AppendJSON(nil)
		if back, err := canon.FromJSON(text); err != nil || !bytes.Equal(back, v) {
			t.Fatalf("FromJSON(%s) = %x, %v; want %x", text, back, err, v)
		}
	})
}

func TestTextIsWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := build(t, trees(3).Draw(t, "tree"))
		text := v.AppendJSON(nil)
		if got := encodingJSON(t, text); !bytes.Equal(got, text) {
			t.Fatalf("AppendJSON wrote %s, encoding/json %s", text, got)
		}
	})
}

// encodingJSON reads a text and writes it again, with the standard library alone.
func encodingJSON(t *rapid.T, text []byte) []byte {
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatalf("encoding/json refuses %s: %v", text, err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		t.Fatalf("encoding/json: %v", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// TestAnIndependentReaderAgrees reads what canon wrote with go-msgpack.
func TestAnIndependentReaderAgrees(t *testing.T) {
	var handle codec.MsgpackHandle
	handle.WriteExt = true // tells strings from bytes
	handle.MapType = reflect.TypeFor[map[string]any]()
	rapid.Check(t, func(t *rapid.T) {
		tree := trees(3).Draw(t, "tree")
		v := build(t, tree)
		var got any
		dec := codec.NewDecoderBytes(v, &handle)
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("go-msgpack refuses %x: %v", v, err)
		}
		if n := dec.NumBytesRead(); n != len(v) {
			t.Fatalf("go-msgpack read %d bytes of %d", n, len(v))
		}
		if want := asRead(tree); !equalTrees(want, got) {
			t.Fatalf("go-msgpack read %#v; want %#v", got, want)
		}
	})
}

// asRead is a tree as a reader sees it: maps that are the text of bytes have become bytes.
func asRead(tree any) any {
	switch x := tree.(type) {
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = asRead(e)
		}
		return out
	case map[string]any:
		if b, ok := spelledBytes(x); ok {
			return b
		}
		out := map[string]any{}
		for key, e := range x {
			out[key] = asRead(e)
		}
		return out
	}
	return tree
}

func TestCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []canon.Value
		for _, tree := range rapid.SliceOfN(trees(2), 3, 8).Draw(t, "trees") {
			all = append(all, build(t, tree))
		}
		for _, a := range all {
			for _, b := range all {
				if canon.Compare(a, b) != -canon.Compare(b, a) {
					t.Fatalf("Compare is not antisymmetric on %x and %x", a, b)
				}
				if (canon.Compare(a, b) == 0) != bytes.Equal(a, b) {
					t.Fatalf("Compare is 0 other than for equal bytes on %x and %x", a, b)
				}
			}
		}
		slices.SortFunc(all, canon.Compare)
		for i, a := range all {
			for _, b := range all[i:] {
				if canon.Compare(a, b) > 0 {
					t.Fatalf("Compare is not transitive: %x sorts before %x", a, b)
				}
			}
		}
	})
}

func TestWalkingYieldsWhatWasBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := asRead(trees(3).Draw(t, "tree"))
		if got := walk(t, build(t, tree)); !equalTrees(tree, got) {
			t.Fatalf("walked %#v; want %#v", got, tree)
		}
	})
}

// walk rebuilds a tree through the methods of Value alone.
func walk(t fataler, v canon.Value) any {
	t.Helper()
	switch v.Type() {
	case canon.TypeNull:
		return nil
	case canon.TypeBool:
		b, ok := v.AsBool()
		return must(t, b, ok)
	case canon.TypeInt:
		n, ok := v.AsInt()
		return must(t, n, ok)
	case canon.TypeFloat:
		f, ok := v.AsFloat()
		return must(t, f, ok)
	case canon.TypeString:
		s, ok := v.AsString()
		return must(t, s, ok)
	case canon.TypeBytes:
		b, ok := v.AsBytes()
		return must(t, b, ok)
	case canon.TypeArray:
		out := []any{}
		for e := range v.Elements() {
			out = append(out, walk(t, e))
		}
		if len(out) != v.Len() {
			t.Fatalf("Len is %d for %d elements", v.Len(), len(out))
		}
		return out
	case canon.TypeMap:
		out := map[string]any{}
		for key, e := range v.Entries() {
			out[key] = walk(t, e)
			if got, ok := v.Lookup(key); !ok || !bytes.Equal(got, e) {
				t.Fatalf("Lookup(%q) = %x, %v; want %x", key, got, ok, e)
			}
		}
		if len(out) != v.Len() {
			t.Fatalf("Len is %d for %d entries", v.Len(), len(out))
		}
		return out
	}
	t.Fatalf("walked into no value: %x", v)
	return nil
}

func must(t fataler, x any, ok bool) any {
	t.Helper()
	if !ok {
		t.Fatalf("the value is not what its Type says: %v", x)
	}
	return x
}

// TestStructureSurvives writes the full range of structure and reads it back.
func TestStructureSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signed := rapid.Int64().Draw(t, "signed")
		unsigned := rapid.Uint64().Draw(t, "unsigned")
		float := rapid.Float64().Draw(t, "float")
		text := texts().Draw(t, "text")
		blob := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "blob")
		b := canon.AppendArray(nil, 5)
		b = canon.AppendInt(b, signed)
		b = canon.AppendUint(b, unsigned)
		b = canon.AppendFloat(b, float)
		b = canon.AppendString(b, text)
		b = canon.AppendBytes(b, blob)

		r := canon.NewReader(b)
		n, _ := r.Array()
		gotSigned, _ := r.Int()
		gotUnsigned, _ := r.Uint()
		gotFloat, _ := r.Float()
		gotText, _ := r.String()
		gotBlob, _ := r.Bytes()
		if err := r.End(); err != nil {
			t.Fatalf("reading %x: %v", b, err)
		}
		if n != 5 || gotSigned != signed || gotUnsigned != unsigned || gotFloat != float || gotText != text || !bytes.Equal(gotBlob, blob) {
			t.Fatalf("read back %d %d %d %v %q %x", n, gotSigned, gotUnsigned, gotFloat, gotText, gotBlob)
		}
		skipper := canon.NewReader(b)
		if raw, err := skipper.Raw(); err != nil || !bytes.Equal(raw, b) || skipper.End() != nil {
			t.Fatalf("Raw(%x) = %x, %v", b, raw, err)
		}
	})
}

// TestBytesAreStandardBase64 tries each length at which the encoder may go about it in another way, with nothing behind the text
// that it may touch.
func TestBytesAreStandardBase64(t *testing.T) {
	rnd := rand.NewChaCha8([32]byte{1})
	for n := range 512 {
		b := make([]byte, n)
		_, _ = rnd.Read(b)
		want := `{"$bytes":"` + base64.StdEncoding.EncodeToString(b) + `"}`
		memory := bytes.Repeat([]byte{'#'}, len(want)+96)
		got := canon.Bytes(b).AppendJSON(memory[:8])
		if string(got) != "########"+want {
			t.Fatalf("%d bytes became %s, want %s", n, got[8:], want)
		}
		if behind := memory[8+len(want):]; bytes.Count(behind, []byte{'#'}) != len(behind) {
			t.Fatalf("%d bytes wrote behind their text: %q", n, behind)
		}
	}
}
