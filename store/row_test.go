package store_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/store"
)

// row is what the four row types have in common.
type row interface{ Append([]byte) []byte }

// codecs decode each row type and hand it back as a row.
var codecs = map[store.Table]func([]byte) (row, error){
	store.Authors:   func(b []byte) (row, error) { r, err := store.DecodeAuthor(b); return &r, err },
	store.Docs:      func(b []byte) (row, error) { r, err := store.DecodeDoc(b); return &r, err },
	store.Conflicts: func(b []byte) (row, error) { r, err := store.DecodeConflict(b); return &r, err },
	store.Peers:     func(b []byte) (row, error) { r, err := store.DecodePeer(b); return &r, err },
}

// draw draws a row of any table, its empty byte fields nil, as decoding gives them.
func draw(rt *rapid.T) (store.Table, row) {
	number := func(name string) uint64 { return rapid.Uint64().Draw(rt, name) }
	text := func(name string) string { return rapid.String().Draw(rt, name) }
	octets := func(name string) []byte {
		if b := rapid.SliceOf(rapid.Byte()).Draw(rt, name); len(b) > 0 {
			return b
		}
		return nil
	}
	id := func(name string) (id [32]byte) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, name))
		return id
	}
	switch t := rapid.SampledFrom([]store.Table{store.Authors, store.Docs, store.Conflicts, store.Peers}).Draw(rt, "table"); t {
	case store.Authors:
		return t, &store.Author{
			Author: id("author"), Fork: id("fork"), Parent: number("parent"), ForkSeq: number("forkseq"), Seq: number("seq"),
			LV: number("lv"), Time: number("time"), ID: id("id"), Certificate: octets("certificate"),
		}
	case store.Docs:
		return t, &store.Doc{
			Kind: text("kind"), Value: octets("value"), Author: number("author"), Seq: number("seq"), Time: number("time"),
			ID: id("id"), Conflicts: number("conflicts"), Strategy: text("strategy"), State: octets("state"),
			Last: number("last"), Count: number("count"), Apart: number("apart"),
		}
	case store.Conflicts:
		return t, &store.Conflict{Path: text("path"), Status: text("status"), Time: number("time"), Entry: octets("entry")}
	default:
		return t, &store.Peer{
			Met: number("met"), Skew: rapid.Int64().Draw(rt, "skew"), Behind: number("behind"), Sent: number("sent"),
			Received: number("received"), Clock: octets("clock"), Note: text("note"),
		}
	}
}

func TestRowsComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table, want := draw(rt)
		b := want.Append([]byte("prefix"))
		if !bytes.HasPrefix(b, []byte("prefix")) {
			rt.Fatalf("Append replaced what was there")
		}
		b = b[len("prefix"):]
		got, err := codecs[table](b)
		if err != nil || !reflect.DeepEqual(got, want) {
			rt.Fatalf("decoded %+v, %v; want %+v", got, err, want)
		}
		if again := got.Append(nil); !bytes.Equal(again, b) {
			rt.Fatalf("encoded again: %x, want %x", again, b)
		}
		if doc, ok := want.(*store.Doc); ok && !bytes.HasPrefix(b, doc.AppendHead(nil)) {
			rt.Fatalf("the head of a document is not the beginning of its row")
		}
	})
}

// TestDamagedRows cuts rows and adds to them: each is corruption, none a row.
func TestDamagedRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table, r := draw(rt)
		b := r.Append(nil)
		bad := append(bytes.Clone(b), 0)
		if rapid.Bool().Draw(rt, "cut") {
			bad = b[:rapid.IntRange(0, len(b)-1).Draw(rt, "length")]
		}
		if _, err := codecs[table](bad); !errors.Is(err, store.ErrCorrupt) {
			rt.Fatalf("decoding %x of table %s: %v, want ErrCorrupt", bad, table, err)
		}
	})
}

// FuzzRows decodes anything: no panic, and what is accepted has one encoding.
func FuzzRows(f *testing.F) {
	f.Add((&store.Author{Seq: 1}).Append(nil))
	f.Add((&store.Doc{Kind: "register", Value: []byte("1")}).Append(nil))
	f.Add((&store.Conflict{Path: "/a"}).Append(nil))
	f.Add((&store.Peer{Skew: -1}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for table, decode := range codecs {
			got, err := decode(b)
			if err != nil {
				if !errors.Is(err, store.ErrCorrupt) {
					t.Errorf("table %s: %v, want ErrCorrupt", table, err)
				}
				continue
			}
			if again := got.Append(nil); !bytes.Equal(again, b) {
				t.Errorf("table %s: %x was accepted but encodes as %x", table, b, again)
			}
		}
	})
}
