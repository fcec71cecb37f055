package pack_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

var testSpace = identity.Space{0x5a}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func author(i int) identity.Author {
	return identity.Author{byte(i + 1), byte(i >> 8), 0xaa}
}

func put(key, json string) history.Op {
	return history.Op{Op: must(crdt.Put(key, must(canon.FromJSON([]byte(json)))))}
}

func detached(key, json string, salt byte) history.Op {
	op := put(key, json)
	op.Detached = &history.Detached{Salt: [history.SaltSize]byte{salt}}
	return op
}

// writer makes versions of one author, each after the one before.
type writer struct {
	author identity.Author
	tip    history.Ref
	time   clock.Time
}

func (w *writer) write(deps []history.Ref, ops ...history.Op) history.Version {
	w.time += 1 << 16
	return w.make(deps, history.Meta{}, ops...)
}

func (w *writer) make(deps []history.Ref, meta history.Meta, ops ...history.Op) history.Version {
	v := must(history.New(history.Draft{
		Space: testSpace, Author: w.author, Prev: w.tip, Deps: deps, Time: w.time, Ops: ops, Meta: meta,
	}))
	w.tip = v.Ref()
	return v
}

// same compares versions; nil and empty slices are equal.
func same(a, b *history.Version) bool {
	return a.ID == b.ID && sameButID(a, b) && a.Prev == b.Prev && slices.Equal(a.Deps, b.Deps)
}

func sameButID(a, b *history.Version) bool {
	return a.Author == b.Author && a.Seq == b.Seq && a.Width == b.Width &&
		a.Time == b.Time && bytes.Equal(a.Payload, b.Payload) &&
		slices.EqualFunc(a.Contents, b.Contents, func(x, y history.Content) bool {
			return x.Op == y.Op && x.Salt == y.Salt && bytes.Equal(x.Body, y.Body)
		})
}

func splice(key string, pos, removed int, text string) history.Op {
	return history.Op{Op: must(crdt.TextSplice(key, pos, removed, text))}
}

// drawOp draws an op of any kind that a payload can hold.
func drawOp(t *rapid.T, salt byte) history.Op {
	key := rapid.SampledFrom([]string{"notes/1", "notes/12", "notes/ü", "a/b/c", "z/" + string(bytes.Repeat([]byte{'k'}, 300))}).Draw(t, "key")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return history.Op{Op: must(crdt.Delete(key))}
	case 1:
		return history.Op{Op: must(crdt.Add(key, rapid.Int64Range(-1000, 1000).Draw(t, "n")))}
	case 2:
		return detached(key, `{"a":1}`, salt)
	case 3: // unknown, wide
		code := rapid.SampledFrom([]crdt.Code{0, 9, 99, 1<<64 - 1}).Draw(t, "code")
		width := rapid.SampledFrom([]uint64{1, 2, 300}).Draw(t, "width")
		return history.Op{Op: crdt.Op{Code: code, Width: width, Key: key, Body: []byte{0x92, 1, 0xc0}}}
	case 4: // unknown, wide, detached, with structure
		d := &history.Detached{Salt: [history.SaltSize]byte{salt}}
		if rapid.Bool().Draw(t, "structure") {
			d.Structure = []byte{0x92, 5, 2}
		}
		return history.Op{Op: crdt.Op{Code: 99, Width: 2, Key: key, Body: canon.AppendString(nil, "hi")}, Detached: d}
	case 5, 6:
		return splice(key, rapid.SampledFrom([]int{0, 7, 8, 1<<31 - 1}).Draw(t, "pos"), rapid.IntRange(0, 2).Draw(t, "removed"), rapid.SampledFrom([]string{"x", "añ🙂", "xyz"}).Draw(t, "text"))
	case 7:
		op := splice(key, 7, 1, "x")
		op.Detached = &history.Detached{Salt: [history.SaltSize]byte{salt}}
		return op
	default:
		return put(key, rapid.SampledFrom([]string{`[1,2.5,"x",null]`, `null`, `{"title":"Milk"}`, `""`}).Draw(t, "value"))
	}
}

func drawMeta(t *rapid.T) (m history.Meta) {
	if rapid.IntRange(0, 3).Draw(t, "meta") == 0 {
		m.Message = rapid.SampledFrom([]string{"", "why", "because"}).Draw(t, "message")
		m.Undo = rapid.SampledFrom([]string{"", "u1"}).Draw(t, "undo")
	}
	return m
}

// drawVersions draws versions of several authors: parents in and outside of those, forks, joins, transactions, metadata,
// detached contents that are here and that are not, unknown ops, jumps in time.
func drawVersions(t *rapid.T) []history.Version {
	var writers []*writer
	for i := range rapid.IntRange(1, 4).Draw(t, "authors") {
		writers = append(writers, &writer{author: author(i), time: 1_764_000_000_000 << 16})
	}
	var all []history.Version
	for range rapid.IntRange(1, 30).Draw(t, "versions") {
		w := writers[rapid.IntRange(0, len(writers)-1).Draw(t, "writer")]
		if rapid.IntRange(0, 9).Draw(t, "fork") == 0 {
			fork := *w
			w = &fork
			writers = append(writers, w)
		}
		var deps []history.Ref
		for range rapid.IntRange(0, 4).Draw(t, "deps") {
			if len(all) == 0 {
				break
			}
			ref := all[rapid.IntRange(0, len(all)-1).Draw(t, "dep")].Ref()
			if ref.ID != w.tip.ID && !slices.Contains(deps, ref) {
				deps = append(deps, ref)
			}
		}
		var ops []history.Op
		for range rapid.IntRange(0, 3).Draw(t, "ops") {
			ops = append(ops, drawOp(t, byte(len(all))))
		}
		w.time += clock.Time(rapid.SampledFrom([]uint64{1, 1, 5, 1 << 16, 1000 << 16, 1<<16 + 3, 1 << 40}).Draw(t, "later"))
		v := w.make(deps, drawMeta(t), ops...)
		if len(v.Contents) > 0 && rapid.Bool().Draw(t, "erase") {
			v.Contents = v.Contents[1:]
		}
		all = append(all, v)
	}
	return all
}

// sameOps compares ops that were noted while a version was read with those that it has.
func sameOps(got []history.Op, v *history.Version) error {
	if len(got) != v.OpCount() {
		return fmt.Errorf("%d ops, want %d", len(got), v.OpCount())
	}
	for i, want := range v.Ops() {
		if !reflect.DeepEqual(got[i], want) {
			return fmt.Errorf("op %d: %+v, want %+v", i, got[i], want)
		}
	}
	return nil
}

// read reads a whole pack that must be sound.
func read(d *pack.Decoder, b []byte) ([]history.Version, error) {
	if err := d.Reset(testSpace, b); err != nil {
		return nil, err
	}
	var out []history.Version
	for {
		v, err := d.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("version %d: %w", len(out), err)
		}
		out = append(out, v.Clone())
	}
}

// scan reads a pack to its end, over invalid versions, keeps none, and returns how many there are.
func scan(d *pack.Decoder, b []byte) (n int, err error) {
	if err := d.Reset(testSpace, b); err != nil {
		return 0, err
	}
	for ; ; n++ {
		_, err := d.Next()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case errors.Is(err, pack.ErrPack):
			return n, err
		}
	}
}
